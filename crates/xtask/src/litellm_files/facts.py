"""What LiteLLM itself makes of configuration files: its proxy reads each and builds its Router, and each
deployment is called once, over a transport that answers 418 and reaches no network. Prints JSON.

facts.py files ENVIRONMENT.json FILE...     the facts of each file
facts.py providers FOLDER                   writes the tables of providers (address, key, protocol), of the models that
                                            are known without a prefix, and of prices
"""

import asyncio
import json
import os
import pathlib
import re
import socket
import sys
from decimal import Decimal

for name in list(os.environ):
    if re.search(r"(KEY|TOKEN|SECRET|_BASE|_URL|PROXY|ENDPOINT)$", name, re.IGNORECASE):
        del os.environ[name]
os.environ.update(
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    LITELLM_TELEMETRY="False",
    LITELLM_LOG="CRITICAL",
    NO_PROXY="*",
)


def refuse(*_, **__):
    raise OSError("no network")


socket.getaddrinfo = refuse
socket.create_connection = refuse

import httpx  # noqa: E402
import litellm  # noqa: E402

litellm.disable_aiohttp_transport = True
litellm.suppress_debug_info = True

CALLS = []


def answered(request):
    CALLS.append(request)
    return httpx.Response(418, json={"error": {"message": "a teapot", "type": "x"}}, request=request)


async def over_no_network(_, request):
    await request.aread()
    return answered(request)


def over_no_network_sync(_, request):
    request.read()
    return answered(request)


httpx.AsyncHTTPTransport.handle_async_request = over_no_network
httpx.HTTPTransport.handle_request = over_no_network_sync

MESSAGES = [{"role": "user", "content": "hi"}]
OF_A_CALL = {"model", "messages", "input", "contents", "encoding_format"}


def told(error):
    return f"{type(error).__name__}: {error}".split("\n")[0][:300]


def call_facts(error):
    """The last call that was made: its address, the header with the key, and what is said beside the messages."""
    posts = [call for call in CALLS if call.method == "POST" and "/api/show" not in str(call.url)]
    if not posts:
        return {"none": error}
    call = posts[0]
    auth = {
        # A signature of AWS's is another one every time.
        name: value.split(" ")[0] if value.startswith("AWS4-") else value
        for name, value in call.headers.items()
        if name in ("authorization", "x-api-key", "api-key", "x-goog-api-key")
    }
    extra = {
        name: value
        for name, value in call.headers.items()
        if name in ("openai-organization",) or name.startswith(("x-", "helicone", "http-referer"))
        and name not in ("x-api-key", "x-goog-api-key", "x-litellm-timeout") and not name.startswith("x-stainless")
    }
    try:
        body = json.loads(call.content)
    except ValueError:
        body = {}
    return {
        "url": str(call.url),
        "auth": auth,
        "headers": extra,
        "model": body.get("model"),
        "body": {name: value for name, value in body.items() if name not in OF_A_CALL},
    }


async def called(make, within=20):
    CALLS.clear()
    error = ""
    try:
        await asyncio.wait_for(make(), within)
    except BaseException as raised:  # whatever a provider raises is what it says
        error = told(raised)
    return call_facts(error)


KEPT = (
    "model custom_llm_provider weight rpm tpm order max_parallel_requests timeout stream_timeout cooldown_time "
    "num_retries max_retries tags max_budget budget_duration input_cost_per_token output_cost_per_token "
    "organization region_name"
).split()


def plain(value):
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_none=True)
    return str(value)


async def one_deployment(router, entry):
    params = entry["litellm_params"]
    info = entry.get("model_info") or {}
    mode = info.get("mode")
    # A pattern's deployment is asked for a model that fits its group.
    asked = entry["model_name"].replace("*", "some-model") if "*" in entry["model_name"] else info["id"]
    arguments = {"num_retries": 0, "disable_fallbacks": True}
    if mode == "embedding":
        facts = await called(lambda: router.aembedding(model=asked, input=["hi"], **arguments))
    elif mode in ("image_generation", "audio_transcription", "audio_speech", "rerank", "moderation"):
        facts = {"none": f"mode {mode}"}
    else:
        facts = await called(lambda: router.acompletion(model=asked, messages=MESSAGES, **arguments))
    try:
        provider = litellm.get_llm_provider(
            params["model"],
            custom_llm_provider=params.get("custom_llm_provider"),
            api_base=params.get("api_base") or params.get("base_url"),
            api_key=params.get("api_key"),
        )[:2]
    except Exception as error:
        provider = [None, told(error)]
    kept = {name: params[name] for name in KEPT if params.get(name) is not None}
    for name in ("rpm", "tpm", "weight"):
        if entry.get(name) is not None:
            kept[f"top_{name}"] = entry[name]
    return {
        "group": entry["model_name"],
        "params": kept,
        "info": {
            name: info[name]
            for name in ("mode", "max_input_tokens", "cooldown_time", "allowed_fails", "base_model")
            if info.get(name) is not None
        },
        "provider": provider[1],
        "upstream_model": provider[0],
        "call": facts,
    }


PICKS = 400


async def picks(router, entries):
    """How often each deployment of a group is picked: by its place in the list."""
    groups = {}
    for place, entry in enumerate(entries):
        groups.setdefault(entry["model_name"], []).append(place)
    found = {}
    for group, places in groups.items():
        if len(places) < 2 or "*" in group:
            continue
        counts = dict.fromkeys(places, 0)
        by_id = {entries[place]["model_info"]["id"]: place for place in places}
        if len(by_id) < len(places):
            continue
        try:
            for _ in range(PICKS):
                picked = await router.async_get_available_deployment(
                    model=group, request_kwargs={}, messages=MESSAGES
                )
                counts[by_id[picked["model_info"]["id"]]] += 1
        except Exception as error:
            found[group] = told(error)
            continue
        found[group] = [counts[place] / PICKS for place in places]
    return found


async def file_facts(path):
    from litellm.proxy import proxy_server

    config = proxy_server.ProxyConfig()
    try:
        router, entries, _ = await config.load_config(router=None, config_file_path=path)
    except BaseException as raised:
        return {"refused": told(raised)}
    if router is None:
        return {"refused": "no model_list"}
    entries = json.loads(json.dumps(list(entries), default=plain))
    settings = dict(router.settings().as_dict())
    for name in (
        "max_fallbacks default_max_parallel_requests enable_pre_call_checks content_policy_fallbacks "
        "stream_timeout disable_cooldowns allowed_fails_policy tag_filtering_match_any"
    ).split():
        try:
            settings[name] = getattr(router, name)
        except AttributeError:
            settings[name] = "no attribute"
    from litellm.router_config import current_dynamic_config

    live = current_dynamic_config()
    for name in (
        "num_retries allowed_fails request_timeout fallbacks default_fallbacks context_window_fallbacks "
        "content_policy_fallbacks max_fallbacks"
    ).split():
        settings[f"process_{name}"] = getattr(live, name)
    deployments = [await one_deployment(router, entry) for entry in entries]
    shuffled = settings["routing_strategy"] in ("simple-shuffle", "provider-budget-routing")
    shares = await picks(router, entries) if shuffled and not settings.get("enable_tag_filtering") else {}
    return {"deployments": deployments, "shares": shares, "settings": json.loads(json.dumps(settings, default=plain))}


def in_a_process(path):
    """The facts of a file, from a process of its own: LiteLLM's settings belong to the process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        sys.stdout = open(os.devnull, "w")
        sys.stderr = open(os.devnull, "w")
        try:
            facts = asyncio.run(file_facts(path))
        except BaseException as raised:
            facts = {"refused": told(raised)}
        with os.fdopen(write, "w") as pipe:
            json.dump(facts, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)


def files(environment, paths):
    with open(environment) as file:
        stated = json.load(file)
    # Every provider's own key is set, and every variable that a file refers to, but those that say otherwise.
    named = {f"{str(getattr(each, 'value', each)).upper().replace('-', '_')}_API_KEY" for each in litellm.provider_list}
    for path in paths:
        for part in pathlib.Path(path).parent.rglob("*"):
            if part.is_file():
                named.update(re.findall(r"os\.environ/([A-Za-z0-9_]+)", part.read_text()))
    os.environ.update({name: f"env-{name}" for name in named if not name.startswith("NOT_SET")})
    os.environ.update(stated)
    from litellm.proxy import proxy_server  # noqa: F401  # once, before the processes part

    facts = {pathlib.Path(path).name: in_a_process(path) for path in paths}
    return {"litellm": version(), "files": facts}


def version():
    from importlib.metadata import version as installed

    return installed("litellm")


def key_variables():
    names = set()
    for path in pathlib.Path(litellm.__file__).parent.rglob("*.py"):
        text = path.read_text(errors="ignore")
        names.update(re.findall(r'["\']([A-Z][A-Z0-9_]*_(?:API_KEY|API_TOKEN|TOKEN|APIKEY|KEY))["\']', text))
    for path in pathlib.Path(litellm.__file__).parent.rglob("providers.json"):
        names.update(re.findall(r'"([A-Z][A-Z0-9_]*_(?:API_KEY|API_TOKEN|TOKEN|KEY))"', path.read_text()))
    return sorted(name for name in names if not name.startswith(("AWS_", "LANGFUSE_", "LITELLM_")))


def protocol(facts):
    """What is spoken at an address of ours, and the API up to the version: by the path that is called."""
    url = facts.get("url", "")
    if url.endswith("/chat/completions") and facts["model"] is not None:
        return "openai", url[: -len("/chat/completions")]
    if url.endswith("/v1/messages"):
        return "anthropic", url[: -len("/messages")]
    if ":generateContent" in url:
        return "gemini", url.split("/models/")[0]
    return None, None


# A model that the provider knows, where the address hangs on it.
MODELS = {"gemini": "gemini-2.5-flash"}
GIVEN = "https://given.example/v1"
# Called at these addresses without one of their own, as OpenAI's client does.
OPENAIS_OWN = ("https://api.openai.com", "https://api.openai.com/v1")


async def provider_facts(provider, variables):
    """Where a provider is called, with which key, in which protocol."""

    async def ask(given, api_base=None):
        for name in variables:
            os.environ.pop(name, None)
        for name in given:
            os.environ[name] = GIVEN if name.endswith(("_BASE", "_URL")) else f"env-{name}"
        base = {"api_base": api_base} if api_base else {}
        model = MODELS.get(provider, "some-model")
        return await called(
            lambda: litellm.acompletion(
                model=f"{provider}/{model}", messages=MESSAGES, max_retries=0, drop_params=True, **base
            ),
            8,
        )

    def key_of(facts):
        found = re.findall(r"env-([A-Z0-9_]+)", json.dumps(facts.get("auth", {})))
        return found[0] if found else None

    own = provider.upper().replace("-", "_")
    own_base = f"{own}_API_BASE"
    keys = list(variables)
    variables = [*variables, own_base]
    resource = GIVEN if provider == "azure" else None
    with_all = await ask(keys, resource)
    with_own = await ask([f"{own}_API_KEY"], resource)
    with_base = await ask(keys, GIVEN)
    with_no_key = await ask([], GIVEN)
    with_variable = await ask([*keys, own_base])
    # Every variable that it takes its key from, the one that is called after it first.
    found = [key_of(with_own)] if key_of(with_own) else []
    left = [key for key in keys if key not in found]
    while len(found) < 4:
        key = key_of(await ask(left, resource or (None if "url" in with_all else GIVEN)))
        if key is None or key not in left:
            break
        left.remove(key)
        found.append(key)
    await ask([])
    usual = with_own if "url" in with_own else with_all
    spoken, base = protocol(usual)
    at_given, given = protocol(with_base)
    if provider not in ("openai", "custom_openai") and base in OPENAIS_OWN:
        base = None
    if provider == "azure":
        spoken, base, at_given, given = "azure", None, "azure", GIVEN
    # LiteLLM says `fake-api-key` where a server needs none.
    local = (base or "").startswith(("http://localhost", "http://127.0.0.1"))
    optional = local or "fake-api-key" in json.dumps(with_no_key.get("auth", {}))
    _, by_variable = protocol(with_variable)
    return {
        "speaks": spoken if base else at_given if given == GIVEN else None,
        "base": base,
        "keys": found,
        "key_is_optional": optional,
        "base_variable": own_base if by_variable == GIVEN else None,
        "otherwise": usual.get("url") or usual.get("none"),
    }


async def providers(folder):
    variables = key_variables()
    names = [str(getattr(each, "value", each)) for each in litellm.provider_list]
    found = {name: await provider_facts(name, variables) for name in sorted(names)}
    for name in variables:
        os.environ.pop(name, None)
    bare = {}
    for model in sorted(litellm.model_cost):
        if "/" in model or model == "sample_spec":
            continue
        try:
            bare[model] = litellm.get_llm_provider(model)[1]
        except Exception:
            continue
    written = f"LiteLLM {version()}"
    by = "Written by `cargo xtask litellm-files --bless`."
    rows = [
        "\t".join(
            [
                name,
                facts["speaks"] or "-",
                facts["base"] or "-",
                ",".join(facts["keys"]) or "-",
                "optional" if facts["key_is_optional"] else "-",
                facts["base_variable"] or "-",
            ]
        )
        for name, facts in found.items()
    ]
    head = "provider, protocol, address, variables of its key, whether it needs none, variable of its address"
    folder = pathlib.Path(folder)
    (folder / "providers.tsv").write_text("\n".join([f"# {written}: {head}. {by}", *rows]) + "\n")
    head = "the models that it knows without a provider before them"
    rows = [f"{model}\t{provider}" for model, provider in bare.items()]
    (folder / "models.tsv").write_text("\n".join([f"# {written}: {head}. {by}", *rows]) + "\n")
    prices(folder)


# Providers that sell their own models, or models on their own machines, by the token.
PRICED = ("anthropic", "azure", "deepseek", "gemini", "groq", "mistral", "openai", "xai")


def prices(folder):
    """What LiteLLM's map of costs has for a million tokens of each model that chats."""

    def of_a_million(cost):
        return format((Decimal(str(cost)) * 1_000_000).normalize(), "f")

    found = set()
    for model, facts in litellm.model_cost.items():
        costs = facts.get("input_cost_per_token"), facts.get("output_cost_per_token")
        provider = facts.get("litellm_provider")
        if facts.get("mode") not in ("chat", "responses") or provider not in PRICED or None in costs:
            continue
        found.add((provider, model.removeprefix(f"{provider}/"), *map(of_a_million, costs)))
    head = "provider, model, dollars for a million prompt tokens, and for a million output tokens"
    head = f"# LiteLLM {version()}: {head}. Written by `cargo xtask litellm-files --bless`."
    rows = ["\t".join(row) for row in sorted(found)]
    (pathlib.Path(folder) / "prices.tsv").write_text("\n".join([head, *rows]) + "\n")


if __name__ == "__main__":
    out, sys.stdout = sys.stdout, sys.stderr
    if sys.argv[1] == "files":
        json.dump(files(sys.argv[2], sys.argv[3:]), out, indent=1, sort_keys=True)
        out.write("\n")
    else:
        asyncio.run(providers(sys.argv[2]))
