"""What is known of items: typed columns, and the filters over them."""
