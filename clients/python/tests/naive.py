"""Clients of ten lines, without an SDK: for each finding one that deserves it and one that does not."""

import http.client
import json
import random
import time
import urllib.parse


class Failed(Exception):
    """An answer that is none."""

    def __init__(self, status, headers=None):
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers or {}


def send(base, prompt, stream=False, timeout=30):
    """One attempt, each on a connection of its own. Gives the answer's connection and response, or raises."""
    url = urllib.parse.urlsplit(base)
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": stream}
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    connection.request("POST", f"{url.path}/chat/completions", json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        response.read()
        connection.close()
        raise Failed(response.status, response.headers)
    return connection, response


def ask(base, prompt, **options):
    """One attempt at an answer in one piece."""
    connection, response = send(base, prompt, **options)
    text = json.load(response)["choices"][0]["message"]["content"]
    connection.close()
    return text


def events(response):
    """The events of a stream, as text."""
    for line in response:
        if line.startswith(b"data: "):
            yield line[len(b"data: ") :].decode().strip()


def attempts(base, prompt, waits, wait_for=lambda wait, failed: wait, retries=lambda failed: True):
    """As many attempts as there are waits before them."""
    for number, wait in enumerate(waits):
        try:
            return ask(base, prompt)
        except Failed as failed:
            if not retries(failed) or number + 1 == len(waits):
                raise
            time.sleep(wait_for(wait, failed))


def backoff(attempts):
    """Waits that grow from 100 ms on, with jitter."""
    return [0.1 * 3**number * random.uniform(0.9, 1.1) for number in range(attempts)]


def passes(failed):
    """Whether a failure is one that passes."""
    return failed.status in (408, 409, 429) or failed.status >= 500


def ignores_retry_after(base, prompt):
    return attempts(base, prompt, backoff(3))


def waits_as_told(base, prompt):
    return attempts(base, prompt, backoff(3), lambda wait, failed: float(failed.headers.get("retry-after", wait)))


def repeats_everything(base, prompt):
    return attempts(base, prompt, backoff(3))


def repeats_what_passes(base, prompt):
    return attempts(base, prompt, backoff(3), retries=passes)


def storms(base, prompt):
    return attempts(base, prompt, [0.005 * 1.5**number for number in range(12)])


def stops_after_three(base, prompt):
    return attempts(base, prompt, backoff(3))


def hammers(base, prompt):
    return attempts(base, prompt, [0, 0, 0])


def waits_the_same(base, prompt):
    return attempts(base, prompt, [1.0, 1.0, 1.0])


def backs_off(base, prompt):
    return attempts(base, prompt, backoff(3))


def asks_once(base, prompt):
    return ask(base, prompt)


def asks_again(base, prompt):
    return attempts(base, prompt, backoff(2))


def reads_to_the_end(base, prompt):
    """Takes whatever came for the answer."""
    connection, response = send(base, prompt, stream=True)
    chunks = [json.loads(event) for event in events(response) if event != "[DONE]"]
    connection.close()
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def looks_for_the_finish(base, prompt):
    """Takes a stream without a finish reason for failed."""
    for wait in (0.1, 0.3, 0):
        connection, response = send(base, prompt, stream=True)
        chunks = [json.loads(event) for event in events(response) if event != "[DONE]"]
        connection.close()
        if any(choice.get("finish_reason") for chunk in chunks for choice in chunk["choices"]):
            return chunks
        time.sleep(wait)
    raise Failed(200)


def waits_for_ever(base, prompt):
    connection, response = send(base, prompt, stream=True, timeout=60)
    return list(events(response))


def hangs_up_on_silence(base, prompt):
    connection, response = send(base, prompt, stream=True, timeout=0.3)
    try:
        return list(events(response))
    finally:
        response.close()
        connection.close()


def skips_what_it_cannot_read(base, prompt):
    connection, response = send(base, prompt, stream=True)
    chunks = []
    for event in events(response):
        try:
            chunks.append(json.loads(event))
        except ValueError:
            continue
    connection.close()
    return chunks


def fails_on_what_it_cannot_read(base, prompt):
    connection, response = send(base, prompt, stream=True)
    try:
        return [json.loads(event) for event in events(response) if event != "[DONE]"]
    finally:
        response.close()
        connection.close()
