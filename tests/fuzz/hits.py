"""Counts how often a fuzzer's requests reached each operation.

hits.py DOCUMENT LEAST REPORT…
    prints the operations that were reached fewer than LEAST times, one id a
    line; with --tell how it stands, and fails where there are any

A request that was turned away before the operation (no token, another
method, too many attempts) does not count.
"""

import json
import sys
from collections import Counter

BEFORE_THE_OPERATION = {401, 405, 429}


def hits(reports):
    """Requests by method and path, and those that were carried out."""
    reached, done = Counter(), Counter()
    for report in reports:
        for line in open(report, encoding="utf-8"):
            scenario = json.loads(line).get("ScenarioFinished")
            recorder = (scenario or {}).get("recorder") or {}
            for interaction in (recorder.get("interactions") or {}).values():
                answer = interaction.get("response")
                if answer and answer["status_code"] not in BEFORE_THE_OPERATION:
                    reached[recorder["label"]] += 1
                    done[recorder["label"]] += answer["status_code"] < 400
    return reached, done


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--tell"]
    document, least, reports = arguments[0], int(arguments[1]), arguments[2:]
    paths = json.load(open(document, encoding="utf-8"))["paths"]
    ids = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, item in paths.items()
        for method, operation in item.items()
    }
    reached, done = hits(reports)
    few = [label for label in ids if reached[label] < least]
    if "--tell" not in sys.argv:
        print("\n".join(ids[label] for label in few))
        return
    for label in sorted(ids, key=lambda label: reached[label]):
        print(f"{reached[label]:6} reached {done[label]:6} carried out  {label}")
    smallest = min(reached[label] for label in ids)
    print(f"{len(ids)} operations, each reached {smallest} times or more")
    if few:
        sys.exit(f"fewer than {least} times: {', '.join(few)}")


main()
