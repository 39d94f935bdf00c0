"""Virtual keys of a gateway, judged by OpenAI's client and by hashlib.

    keys.py write FILE                  a keys file, with hashes that hashlib makes
    keys.py judge GATEWAY ADMIN TOKEN   prints, as JSON, a key that was created and one that was disabled
    keys.py again GATEWAY KEYS          after a restart
"""

import hashlib
import json
import sys
import urllib.request

PLAIN = {"good": "sk-good-1", "slow": "sk-slow-1", "other": "sk-other-1", "off": "sk-off-1"}
MORE = {"slow": {"rpm": 1}, "other": {"models": ["nothing"]}, "off": {"disabled": True}}


def write(path):
    keys = []
    for name, plain in PLAIN.items():
        digest = hashlib.sha256(plain.encode()).hexdigest()
        keys.append({"id": name, "hash": f"sha256:{digest}", **MORE.get(name, {})})
    with open(path, "w") as file:
        json.dump({"version": 1, "keys": keys}, file)


def ask(gateway, key):
    client = openai.OpenAI(base_url=f"{gateway}/v1", api_key=key, max_retries=0, timeout=30)
    answer = client.chat.completions.create(
        model="chat", max_tokens=5, messages=[{"role": "user", "content": "hi"}]
    )
    return answer.choices[0].message.content


def fails(gateway, key, kind, told):
    try:
        ask(gateway, key)
    except kind as error:
        assert type(error) is kind, error
        assert told in str(error), error
        return error
    raise AssertionError(f"{key} was served")


def admin(url, token, what, body):
    request = urllib.request.Request(
        f"{url}/{what}",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def judge(gateway, url, token):
    assert ask(gateway, PLAIN["good"])
    fails(gateway, "sk-nobody", openai.AuthenticationError, "the key of this request is invalid")
    fails(gateway, PLAIN["off"], openai.AuthenticationError, "the key `off` is disabled")
    fails(gateway, PLAIN["other"], openai.PermissionDeniedError, "may not ask for the model `chat`")
    assert ask(gateway, PLAIN["slow"])
    error = fails(gateway, PLAIN["slow"], openai.RateLimitError, "its requests per minute")
    assert 0 < int(error.response.headers["retry-after"]) <= 60, error.response.headers
    created = admin(url, token, "keys", {"id": "made", "owner": "ci"})
    assert ask(gateway, created["key"])
    admin(url, token, "keys/disable", {"id": "good"})
    fails(gateway, PLAIN["good"], openai.AuthenticationError, "the key `good` is disabled")
    hashed = hashlib.sha256(created["key"].encode()).hexdigest()
    print(json.dumps({"made": created["key"], "hash": f"sha256:{hashed}"}))


def again(gateway, keys):
    keys = json.loads(keys)
    assert ask(gateway, keys["made"])
    fails(gateway, PLAIN["good"], openai.AuthenticationError, "the key `good` is disabled")


if __name__ == "__main__":
    if sys.argv[1] != "write":
        import openai
    {"write": write, "judge": judge, "again": again}[sys.argv[1]](*sys.argv[2:])
