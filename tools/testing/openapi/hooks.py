"""What the trial of the API's description leaves out of requests, and why.

Schemathesis makes requests by the description alone; here what would end the trial, or change this host, is taken back.
"""

import schemathesis


def name(context):
    return context.operation.definition.raw.get("operationId")


@schemathesis.hook
def map_query(context, query):
    """PUT /v1/lab only plans: another lab would leave nothing to ask, and `http` would close the door that is asked at."""
    if name(context) == "put_v1_lab" and isinstance(query, dict):
        query = {key: value for key, value in query.items() if key not in ("http", "http-token")}
        query["dry-run"] = "true"
    return query


@schemathesis.hook
def filter_body(context, body):
    """No port takes an interface of this host, or is one that was not there before."""
    if name(context) in ("post_v1_ports", "put_v1_ports_port") and isinstance(body, dict):
        return body.get("kind") not in ("nic", "tap") or str(body.get("target", "")).startswith("tap9")
    return True
