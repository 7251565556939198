"""What no document can say: a good ticket for each room, and that polls need not wait."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

import schemathesis

URL = os.environ["PARLOR_URL"]
TICKETS = os.environ.get("PARLOR_TICKETS") == "1"


def ticket(room):
    """A ticket of somebody who has just joined, if there can be such a room."""
    join = f"{URL}/api/rooms/{urllib.parse.quote(str(room), safe='')}/join"
    try:
        with urllib.request.urlopen(urllib.request.Request(join, method="POST"), timeout=10) as answer:
            return json.load(answer)["ticket"]
    except urllib.error.HTTPError:
        return None


@schemathesis.hook
def before_call(context, case, kwargs):
    wait = (case.query or {}).get("wait")
    if str(wait).isdigit() and 0 < int(wait) <= 60:
        case.query["wait"] = 0
    room = (case.path_parameters or {}).get("room")
    if TICKETS and room and case.path.startswith("/api/rooms/"):
        given = ticket(room)
        if given:
            case.headers["Authorization"] = f"Bearer {given}"
