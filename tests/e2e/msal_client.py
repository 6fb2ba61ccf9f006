"""Microsoft's own library against the built-in provider: prints one line of JSON a step. Run by idp-msal.test.mjs.

Arguments: authority, then "client" CLIENT-ID SCOPE (the secret on standard input) or "device" CLIENT-ID SCOPE OTHER-SCOPE.
"""
import json
import sys

import msal


def say(step, result):
    kept = ("access_token", "error", "error_description", "scope", "id_token_claims", "user_code", "verification_uri", "message")
    print(json.dumps({"step": step, **{name: result[name] for name in kept if name in result}}), flush=True)


def client(authority, client_id, scope):
    app = msal.ConfidentialClientApplication(client_id, client_credential=sys.stdin.read().strip(), authority=authority)
    say("token", app.acquire_token_for_client([scope]))


def device(authority, client_id, scope, other_scope):
    app = msal.PublicClientApplication(client_id, authority=authority)
    flow = app.initiate_device_flow([scope])
    say("codes", flow)
    say("token", app.acquire_token_by_device_flow(flow))
    account = app.get_accounts()[0]
    for step in ("refreshed", "again"):
        say(step, app.acquire_token_silent([other_scope], account, force_refresh=True))


if __name__ == "__main__":
    {"client": client, "device": device}[sys.argv[2]](sys.argv[1], *sys.argv[3:])
