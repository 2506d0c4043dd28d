"""Fine-tuning: a pretrained encoder of text, trained on for the user's task."""
