"""OpenAI's official client in front of a gateway: speech, transcripts, translations, and pictures that are drawn and changed.

    media.py GATEWAY

GATEWAY is the base URL of a gateway with the groups that `media.rs` sets up.
"""

import base64
import io
import sys
import traceback
import urllib.error
import urllib.request
import wave

import httpx2
import openai

TIMEOUT = 30.0
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
# Groups whose deployments answer: at once, as Azure, from a fallback, and from a second deployment.
WELL = ("openai-well", "azure-well", "falls-back", "retries")


def check(is_so, what):
    if not is_so:
        raise AssertionError(what)


def same(seen, expected, what):
    check(seen == expected, f"{what}: {seen!r} where {expected!r} was expected")


def recording():
    """A second of sound, with bytes of every value and what looks like the beginning of a boundary."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(range(256)) * 100 + b"\r\n--" + b"\r\n------" + bytes(6_390))
    return out.getvalue()


def speech(client, model):
    spoken = client.audio.speech.create(model=model, voice="alloy", input="Hello")
    same(spoken.response.headers["content-type"], "audio/mpeg", "the type")
    same(spoken.response.headers["x-squall-attempts"], "2" if model in ("falls-back", "retries") else "1", "attempts")
    check(spoken.content.startswith(b"\xff\xfb"), f"no frame of MPEG: {spoken.content[:8]!r}")
    same(len(spoken.content), 8 * 417, "a frame for each token")
    with client.audio.speech.with_streaming_response.create(
        model=model, voice="alloy", input="Hello", response_format="wav"
    ) as streamed:
        same(streamed.headers["content-type"], "audio/wav", "the type")
        pieces = list(streamed.iter_bytes())
    check(len(pieces) > 1, "it comes as it is made")
    with wave.open(io.BytesIO(b"".join(pieces))) as sound:
        same((sound.getnchannels(), sound.getframerate()), (1, 24_000), "a reader of sound")
    with client.audio.speech.with_streaming_response.create(
        model=model, voice="alloy", input="Hello", stream_format="sse"
    ) as events:
        text = b"".join(events.iter_bytes()).decode()
    check(text.count("speech.audio.delta") == 8 and "speech.audio.done" in text, text)


def transcripts(client, model):
    sound = ("a \"b\".wav", recording(), "audio/wav")
    told = client.audio.transcriptions.create(model=model, file=sound, prompt="names: Ada")
    check(len(told.text) > 20, f"{told}")
    same(told.usage.output_tokens, 8, "tokens of the answer")
    text = client.audio.transcriptions.create(model=model, file=sound, response_format="text")
    same(text.strip(), told.text, "the same as text")
    subtitles = client.audio.transcriptions.create(model=model, file=sound, response_format="srt")
    check("00:00:00,000 --> " in subtitles, subtitles)
    verbose = client.audio.transcriptions.create(
        model=model, file=sound, response_format="verbose_json", timestamp_granularities=["segment"]
    )
    same((verbose.text, verbose.segments[0].text), (told.text, told.text), "with segments")
    events = list(client.audio.transcriptions.create(model=model, file=sound, stream=True))
    same(events[-1].type, "transcript.text.done", "the last event")
    deltas = "".join(event.delta for event in events if event.type == "transcript.text.delta")
    same((deltas.strip(), events[-1].text.strip()), (told.text, told.text), "the stream")
    translated = client.audio.translations.create(model=model, file=sound)
    check(len(translated.text) > 20, f"{translated}")


def pictures(client, model):
    drawn = client.images.generate(model=model, prompt="a point", n=2)
    same(len(drawn.data), 2, "how many")
    changed = client.images.edit(model=model, image=[("a.png", PNG), ("b.png", PNG)], mask=("m.png", PNG), prompt="red")
    same(base64.b64decode(changed.data[0].b64_json), PNG, "the picture")
    check(changed.usage.input_tokens > 1_500, f"two pictures: {changed.usage}")
    events = list(client.images.edit(model=model, image=("a.png", PNG), prompt="red", stream=True, partial_images=1))
    same([event.type for event in events], ["image_edit.partial_image", "image_edit.completed"], "the stream")
    varied = client.images.create_variation(model=model, image=("a.png", PNG), n=3)
    same(len(varied.data), 3, "how many")


def raises(expected, ask, words=""):
    try:
        ask()
    except expected as error:
        same(type(error), expected, "the error")
        check(words in str(error), f"{error}")
        return error
    raise AssertionError(f"{expected.__name__} was not raised")


def errors(client):
    sound = ("a.wav", recording(), "audio/wav")
    asks = (
        lambda model: client.audio.speech.create(model=model, voice="alloy", input="Hello"),
        lambda model: client.audio.transcriptions.create(model=model, file=sound),
        lambda model: client.audio.translations.create(model=model, file=sound),
        lambda model: client.images.edit(model=model, image=("a.png", PNG), prompt="red"),
        lambda model: client.images.create_variation(model=model, image=("a.png", PNG)),
    )
    for ask in asks:
        throttled = raises(openai.RateLimitError, lambda: ask("openai-throttled"))
        check(int(throttled.response.headers["retry-after"]) in range(5, 8), "Retry-After")
        raises(openai.BadRequestError, lambda: ask("openai-bad-request"))
        raises(openai.AuthenticationError, lambda: ask("openai-auth"))
        raises(openai.InternalServerError, lambda: ask("openai-down"))
        raises(openai.NotFoundError, lambda: ask("no-such-model"))
        # Another vendor has no words for it.
        raises(openai.BadRequestError, lambda: ask("anthropic-well"), "its deployment has no `/")
    # A page with status 200 is neither a transcript nor sound in JSON.
    raises(openai.InternalServerError, lambda: asks[1]("openai-html"))
    raises(
        openai.InternalServerError,
        lambda: client.audio.transcriptions.create(model="openai-html", file=sound, response_format="text"),
    )


def broken(client):
    """Sound that breaks off does not look whole."""
    try:
        with client.audio.speech.with_streaming_response.create(
            model="openai-cut", voice="alloy", input="Hello"
        ) as streamed:
            b"".join(streamed.iter_bytes())
    except (httpx2.RemoteProtocolError, openai.APIConnectionError):
        return
    raise AssertionError("the sound ended as if nothing had happened")


def sent(gateway, path, kind, body):
    request = urllib.request.Request(gateway + path, body, {"content-type": kind})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def garbage(gateway):
    form = "multipart/form-data; boundary=b"
    part = b'--b\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    model, file = part % (b"model", b"", b"openai-well"), part % (b"file", b'; filename="a"', b"x")
    for kind, body, words in (
        ("application/json", b"{}", "expected `content-type: multipart/form-data"),
        ("multipart/form-data", model, "expected `content-type: multipart/form-data"),
        (form, b"", "multipart/form-data"),
        (form, b"\xff\xfe", "multipart/form-data"),
        (form, model + file, "multipart/form-data"),
        (form, model + b"--b--\r\n", "missing required parameter: 'file'"),
        (form, file + b"--b--\r\n", "you must provide a model parameter"),
        (form, model + model + file + b"--b--\r\n", "there are two parts `model`"),
        (form, model + (part % (b"x", b"", b"y")) * 100 + file + b"--b--\r\n", "more than 64 parts"),
    ):
        status, told = sent(gateway, "/v1/audio/transcriptions", kind, body)
        check(status == 400 and words in told, f"{kind} {body[:60]!r}: {status} {told}")
    status, told = sent(gateway, "/v1/audio/transcriptions", form, model + file + b"--b--\r\n")
    same(status, 200, told)
    status, told = sent(gateway, "/v1/audio/transcriptions", form, b"x" * (17 << 20))
    same(status, 413, told)


def azure(gateway):
    client = openai.AzureOpenAI(
        azure_endpoint=gateway, api_key="sk", api_version="2025-04-01-preview", max_retries=0, timeout=TIMEOUT
    )
    check(client.audio.speech.create(model="openai-well", voice="alloy", input="Hello").content, "sound")
    told = client.audio.transcriptions.create(model="azure-well", file=("a.wav", recording()))
    check(told.text, f"{told}")
    check(client.images.edit(model="azure-well", image=("a.png", PNG), prompt="red").data, "a picture")
    check(client.images.generate(model="azure-well", prompt="red").data, "a picture")


def main():
    gateway = sys.argv[1].rstrip("/").removesuffix("/v1")
    client = openai.OpenAI(base_url=f"{gateway}/v1", api_key="sk", max_retries=0, timeout=TIMEOUT)
    jobs = [(f"{case.__name__} {model}", case, (client, model)) for case in (speech, transcripts, pictures) for model in WELL]
    jobs += [(case.__name__, case, (client,)) for case in (errors, broken)]
    jobs += [(case.__name__, case, (gateway,)) for case in (garbage, azure)]
    wrong = []
    for name, job, given in jobs:
        try:
            job(*given)
        except Exception:  # noqa: BLE001: whatever is raised is what is wrong
            wrong.append(f"{name}: {traceback.format_exc()}")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(jobs)} cases, {len(wrong)} wrong", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
