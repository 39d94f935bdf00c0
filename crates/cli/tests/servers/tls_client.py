"""A client of OpenSSL's: asks a gateway by TLS as its arguments say, and prints what came of it as one line of JSON.

usage: tls_client.py HOST:PORT [ca=FILE] [cert=FILE key=FILE] [alpn=NAME] [max=1.2] [again=FILE] [stream]
"""

import http.client
import json
import os
import socket
import ssl
import sys
import time

address, *words = sys.argv[1:]
options = dict(word.split("=", 1) if "=" in word else (word, True) for word in words)
host, port = address.rsplit(":", 1)

context = ssl.create_default_context(cafile=options.get("ca"))
if "ca" not in options:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
if "cert" in options:
    context.load_cert_chain(options["cert"], options["key"])
if "alpn" in options:
    context.set_alpn_protocols([options["alpn"]])
if options.get("max") == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def ask(connection):
    stream = "stream" in options
    message = {"role": "user", "content": "hi"}
    body = {"model": "chat", "messages": [message], "max_tokens": 5, "stream": stream}
    headers = {"content-type": "application/json", "host": "localhost"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    return {"status": answer.status, "whole": ("[DONE]" if stream else "usage") in text}


def told(connection):
    certificate = connection.sock.getpeercert()
    names = [name for _, name in (certificate or {}).get("subjectAltName", ())]
    protocol = connection.sock.selected_alpn_protocol()
    return {"version": connection.sock.version(), "alpn": protocol, "names": names}


connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=60)
try:
    connection.connect()
    found = told(connection) | ask(connection)
    if "again" in options:
        # Over the same connection, once the file is there.
        print(json.dumps(found), flush=True)
        while not os.path.exists(options["again"]):
            time.sleep(0.02)
        opened = connection.sock
        found = ask(connection) | {"same": connection.sock is opened}
    print(json.dumps(found))
except (ssl.SSLError, ConnectionError, http.client.HTTPException, socket.timeout) as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
