"""Laws of remote encoding: order, batches, patience, no secrets, and no trust without proof."""

import base64
import json
import threading
import time
import traceback
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from embedry import Collection, ForeignSpaceError, InputError, RemoteEncoder, RemoteError, load
from embedry.card import Relation
from embedry.encode.probes import PROBE_TEXTS
from embedry.encode.remote.patience import asked_pause

pytest.importorskip("httpx", reason="the extra remote is not installed")
KEY = "sk-a-secret-nobody-may-see"
DIMS = 16


def vector(text, seed=0):
    """Return a vector that depends on the text alone."""
    numbers = [seed, *text.encode()]
    return np.random.default_rng(numbers).standard_normal(DIMS).astype(np.float32)


class FakeServer:
    """A server of embeddings that can be told to misbehave."""

    def __init__(self):
        self.bodies, self.headers, self.busy, self.seed = [], [], 0, 0
        self.at_once, self.most_at_once = 0, 0
        self.knows_base64, self.answer, self.pause, self.retry_after = True, None, 0.0, None
        self.lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                owner.reply(self)

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def reply(self, request):
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        with self.lock:
            self.bodies.append((request.path, body))
            self.headers.append(dict(request.headers))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            refused = self.busy > 0
            self.busy -= refused
        time.sleep(self.pause)
        status, answer = (429, {"error": {"message": "slow down"}}) if refused else self.found(body)
        text = json.dumps(answer).encode()
        with self.lock:
            self.at_once -= 1
        request.send_response(status)
        if refused and self.retry_after:
            request.send_header("Retry-After", self.retry_after)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def found(self, body):
        if self.answer is not None:
            return self.answer
        packed = body.get("encoding_format") == "base64"
        if packed and not self.knows_base64:
            return 422, {"error": {"message": "unknown field"}}
        width = body.get("dimensions", DIMS)
        data = [
            {"index": place, "embedding": self.packed(vector(text, self.seed)[:width], packed)}
            for place, text in enumerate(body["input"])
        ]
        return 200, {"data": data[::-1], "usage": {"total_tokens": len(body["input"])}}

    def packed(self, row, packed):
        return base64.b64encode(row.astype("<f4").tobytes()).decode() if packed else row.tolist()

    @property
    def texts(self):
        """What was sent beside the probes."""
        return [
            text for _, body in self.bodies for text in body["input"] if text not in PROBE_TEXTS
        ]


@pytest.fixture
def server(monkeypatch):
    fake = FakeServer()
    monkeypatch.setattr("embedry.encode.remote.patience.FIRST_PAUSE", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def test_remote_keeps_the_order_in_batches_and_at_once(server):
    """Vectors come in the order of the texts, whatever the order of answers; none is sent twice."""
    server.pause = 0.01
    encoder = RemoteEncoder("m", url=server.url, batch=3, concurrency=4)
    texts = [f"text {number}" for number in range(20)]
    encoded = encoder.encode(text for text in texts)
    np.testing.assert_array_equal(encoded.vectors, [vector(text) for text in texts])
    assert Counter(server.texts) == Counter(texts)
    assert max(len(body["input"]) for _, body in server.bodies) == 3
    assert 1 < server.most_at_once <= 4
    assert encoder.tokens_used_ == 20 + len(PROBE_TEXTS)
    assert encoded.card is encoder.card


def test_remote_sends_nothing_before_it_is_asked(server):
    """Making one asks no server; the card does, once."""
    encoder = RemoteEncoder("m", url=server.url)
    assert not server.bodies
    assert encoder.card is encoder.card
    assert len(server.bodies) == 1
    assert server.bodies[0][0] == "/v1/embeddings"


def test_remote_counts_empty_texts_and_does_not_send_them(server):
    """An empty text is a row of zeros, counted; a list of none is fine."""
    encoder = RemoteEncoder("m", url=server.url)
    encoded = encoder.encode(["", "a", " \n"])
    assert encoded.empty == 2
    assert encoded.placed.tolist() == [False, True, False]
    assert server.texts == ["a"]
    assert encoder.encode([]).vectors.shape == (0, DIMS)


def test_remote_puts_prompts_before_texts(server):
    """Each role has its own prompt; the card knows them."""
    prompts = {"query": "query: ", "document": "passage: "}
    encoder = RemoteEncoder("m", url=server.url, prompts=prompts)
    found = encoder.encode(["a"], role="query").vectors[0]
    np.testing.assert_array_equal(found, vector("query: a"))
    assert server.bodies[0][1]["input"][0] == f"passage: {PROBE_TEXTS[0]}"
    plain = RemoteEncoder("m", url=server.url)
    assert encoder.card.relation_to(plain.card) is Relation.FOREIGN


@pytest.mark.parametrize("retry_after", [None, "0", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"])
def test_remote_tries_again_while_the_server_is_busy(server, retry_after):
    """A busy server is asked again, and no text is lost; too busy is an error with the status."""
    server.busy, server.retry_after = 2, retry_after
    encoder = RemoteEncoder("m", url=server.url, retries=2)
    assert encoder.encode(["a"]).placed.all()
    assert len(server.bodies) == 2 + 2
    server.busy = 9
    with pytest.raises(RemoteError, match=r"after 3 tries: status 429, .*slow down") as caught:
        encoder.encode(["b"])
    assert caught.value.status == 429


def test_remote_does_not_try_again_what_is_refused(server):
    """A refusal is told at once, and never shows the key, even if the server repeats it."""
    server.answer = (401, {"error": {"message": f"Incorrect key {KEY}."}})
    with pytest.raises(
        RemoteError, match=r"401, .*Incorrect key \[key\].*OPENAI_API_KEY"
    ) as caught:
        RemoteEncoder("m", url=server.url).encode(["a"])
    assert len(server.bodies) == 1
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value, ConnectionError)


def test_remote_key_is_sent_and_kept_nowhere(server, tmp_path, monkeypatch):
    """The key goes into the header alone: not into a card, a file, or a representation."""
    encoder = RemoteEncoder("m", url=server.url)
    encoder.save(tmp_path / "remote")
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    told = [encoder.card.to_json(), repr(encoder), repr(vars(encoder)), repr(encoder._server)]
    assert not any(KEY in text for text in told)
    assert KEY.encode() not in (tmp_path / "remote").read_bytes()
    monkeypatch.delenv("OPENAI_API_KEY")
    encoder.encode(["a"])
    assert "Authorization" not in server.headers[-1]


def test_remote_takes_numbers_where_there_is_no_base64(server):
    """A server that knows no base64 is asked for numbers, and from then on only for these."""
    server.knows_base64 = False
    encoder = RemoteEncoder("m", url=server.url)
    np.testing.assert_array_equal(encoder.encode(["a"]).vectors[0], vector("a"))
    assert ["encoding_format" in body for _, body in server.bodies] == [True, False, False]


def test_remote_asks_for_dims_and_refuses_others(server):
    """A cut model gives the dims asked for; a server that ignores them is refused."""
    encoder = RemoteEncoder("m", url=server.url, dims=4)
    assert encoder.encode(["a"]).vectors.shape == (1, 4)
    data = [{"index": n, "embedding": [1.0] * DIMS} for n in range(len(PROBE_TEXTS))]
    server.answer = (200, {"data": data})
    with pytest.raises(RemoteError, match="must give 4 dims; got 16"):
        _ = RemoteEncoder("m", url=server.url, dims=4).card


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"data": []}, "must answer with data of 4 vectors; got 0 entries"),
        ({"error": "no"}, "must answer with data of 4 vectors; got {'error'"),
        ({"data": [{"index": 0, "embedding": [1.0]}] * 4}, "an index of its own below 4; got 0"),
        ({"data": [{"index": 9, "embedding": [1.0]}] * 4}, "an index of its own below 4; got 9"),
        ({"data": [{"embedding": [float("nan")]}] * 4}, "finite, and not zero"),
        ({"data": [{"embedding": [0.0, 0.0]}] * 4}, "finite, and not zero"),
        ({"data": [{"embedding": []}] * 4}, "finite, and not zero"),
        ({"data": [{"embedding": "?"}] * 4}, "base64 of float32"),
        ({"data": [{"embedding": {"a": 1}}] * 4}, "numbers or base64"),
        ({"data": [{"embedding": [1.0] * (n // 2 + 1)} for n in range(4)]}, "of one width"),
    ],
)
def test_remote_refuses_answers_that_make_no_sense(server, answer, message):
    """What is no vector for each text is an error that says what came."""
    server.answer = (200, answer)
    with pytest.raises(RemoteError, match=message):
        RemoteEncoder("m", url=server.url).encode(["a"])


def test_remote_is_proven_by_probes(server, tmp_path):
    """The same model again is equivalent; another one under the name is foreign, also in a file."""
    encoder = RemoteEncoder("m", url=server.url)
    first = encoder.card
    encoder.save(tmp_path / "remote")
    again = RemoteEncoder("m", url=server.url, batch=2).card
    assert again.relation_to(first) in {Relation.SAME, Relation.EQUIVALENT}
    loaded = load(tmp_path / "remote")
    assert loaded.card == first
    server.seed = 1
    assert RemoteEncoder("m", url=server.url).card.relation_to(first) is Relation.FOREIGN
    with pytest.raises(ForeignSpaceError):
        load(tmp_path / "remote").encode(["a"])


def test_remote_makes_a_field_of_a_collection(server, tmp_path):
    """A field is made by it, searched by text, and opened again."""
    texts = {"a": "apples", "b": "bears", "c": "cars"}
    with Collection.open(tmp_path / "things") as things:
        things.upsert(list(texts), documents=list(texts.values()))
        things.add_field("content", encoder=RemoteEncoder("m", url=server.url))
        assert things.search("bears", field="content", mode="dense", k=1)[0].id == "b"
    with Collection.open(tmp_path / "things") as things:
        things.upsert(["d"], documents=["doves"])
        assert things.search("doves", field="content", mode="dense", k=1)[0].id == "d"


def test_remote_out_of_reach_says_where(monkeypatch):
    """Nobody listening is an error that names the URL, after all tries."""
    monkeypatch.setattr("embedry.encode.remote.patience.FIRST_PAUSE", 0.001)
    with pytest.raises(RemoteError, match=r"http://127.0.0.1:9/v1 did not answer after 2 tries"):
        RemoteEncoder("m", url="http://127.0.0.1:9/v1", retries=1).encode(["a"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": ""}, "model must be a text"),
        ({"url": "localhost"}, "must be http"),
        ({"url": "ftp://host"}, "must be http"),
        ({"url": "http://"}, "must be http"),
        ({"url": "http://localhost:port"}, "must be http"),
        ({"url": "https://me:secret@host/v1"}, "no password or query"),
        ({"url": "https://me:secret/x@host/v1"}, "no password or query"),
        ({"url": "https://host/v1?api_key=secret"}, "no password or query"),
        ({"dims": 0}, "dims must be"),
        ({"batch": 0}, "batch must be"),
        ({"concurrency": 65}, "concurrency must be"),
        ({"timeout": 0}, "timeout must be"),
        ({"retries": -1}, "retries must be"),
        ({"prompts": {"passage": "x"}}, "prompts must be"),
        ({"key_variable": ""}, "key_variable must be"),
    ],
)
def test_remote_refuses_settings(settings, message):
    """A setting out of range is refused before anything is sent."""
    with pytest.raises(InputError, match=message):
        RemoteEncoder(**{"model": "m", "url": "http://localhost/v1", **settings})


def test_remote_refuses_what_is_no_text(server):
    """A single str, an item that is none, or another role is refused before anything is sent."""
    encoder = RemoteEncoder("m", url=server.url)
    for items, role, message in (
        ("text", "document", "list of texts"),
        (["a", 3], "document", "number 1 is int"),
        (["a"], "user", "role must be"),
    ):
        with pytest.raises(InputError, match=message):
            encoder.encode(items, role=role)
    assert not server.bodies


AWKWARD_KEYS = ["sk-SECRET\n", 'sk-"SECRET"', "sk-\\SECRET", "sk-SECRET" * 60]


@pytest.mark.parametrize("key", AWKWARD_KEYS)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_remote_key_is_in_no_error(server, monkeypatch, key, status):
    """Whatever the server repeats, escaped or cut short, no part of the key is shown."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    told = key.strip()
    for answer in (
        {"error": {"message": f"{'x' * 60} bad key {told}"}},
        {"data": [{"index": told, "embedding": [1.0]}] * 4},
        {"data": [{"index": n, "embedding": told} for n in range(4)]},
        {"data": [{"index": n, "embedding": {told: 1}} for n in range(4)]},
    ):
        server.answer = (status, answer)
        with pytest.raises(RemoteError) as caught:
            RemoteEncoder("m", url=server.url).encode(["a"])
        assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_remote_key_that_fits_no_header_is_refused_by_its_variable(server, monkeypatch):
    """A key of other characters is refused, and not shown."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-SECRET\u00e9")
    with pytest.raises(InputError, match="OPENAI_API_KEY must hold a key of printable") as caught:
        RemoteEncoder("m", url=server.url).encode(["a"])
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))
    assert not server.bodies


def test_remote_out_of_a_file_sends_no_key_to_strangers(server, tmp_path, monkeypatch):
    """A file names a variable and a host: the key goes there only where the host is trusted."""
    RemoteEncoder("m", url=server.url).save(tmp_path / "remote")
    load(tmp_path / "remote").encode(["a"])
    assert "Authorization" not in server.headers[-1]
    server.answer = (401, {"error": "who are you?"})
    with pytest.raises(
        RemoteError, match=r"OPENAI_API_KEY is not sent to 127\.0\.0\.1: set EMBEDRY"
    ):
        load(tmp_path / "remote").encode(["a"])
    server.answer = None
    monkeypatch.setenv("EMBEDRY_TRUSTED_HOSTS", "example.org, 127.0.0.1")
    load(tmp_path / "remote").encode(["a"])
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"


def test_remote_failure_stops_the_others(server, monkeypatch):
    """Where one request is refused, those that wait to be tried again give up at once."""
    monkeypatch.setattr("embedry.encode.remote.patience.FIRST_PAUSE", 20.0)
    encoder = RemoteEncoder("m", url=server.url, batch=1, concurrency=4, retries=3)
    encoder._card = encoder._card_of(np.ones((4, DIMS), np.float32))
    server.found = lambda body: (401 if body["input"] == ["refused"] else 429, {"error": "no"})
    began = time.monotonic()
    with pytest.raises(RemoteError, match="401"):
        encoder.encode(["busy", "busy", "refused", "busy"])
    assert time.monotonic() - began < 10
    time.sleep(0.3)
    assert len(server.bodies) <= 4  # each was sent once at most


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("nan", None),
        ("inf", None),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("soon", None),
    ],
)
def test_asked_pause_reads_numbers_and_moments(header, seconds):
    """A number or a moment is so many seconds, never below 0; anything else asks for nothing."""
    assert asked_pause(header) == seconds


def test_remote_takes_lone_surrogates_and_refuses_endless_numbers(server):
    """What is no Unicode by itself is sent as U+FFFD; a number beyond all is no vector."""
    encoder = RemoteEncoder("m", url=server.url)
    encoder.encode(["a \ud800 b"])
    assert server.texts == ["a \ufffd b"]
    data = [{"index": n, "embedding": [10**400]} for n in range(4)]
    server.answer = (200, {"data": data})
    with pytest.raises(RemoteError, match="finite"):
        RemoteEncoder("m", url=server.url).encode(["a"])
