"""`offhook agent …`: the agents of a running server."""

import argparse
from typing import Any

from .api_client import ApiClient, add_options, client_of
from .fields import NOBODY, add_set, find, given, merged
from .tables import print_item, print_items

PATH = "/v1/agents"
COLUMNS = ("id", "name", "kind", "language", "llm.provider", "voice.voice", "is_active")
FIELDS = {
    "name": "name",
    "kind": "kind",
    "greeting": "greeting",
    "prompt": "system_prompt",
    "language": "language",
    "llm": "llm.provider",
    "model": "llm.model",
    "stt": "stt_provider",
    "tts": "voice.provider",
    "voice": "voice.voice",
    "address": "address",
    "active": "is_active",
}
PARTED = ("llm", "voice")


def main(argv: list[str]) -> int:
    """List, show, create, change or delete. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            query = "" if options.kind is None else f"?kind={options.kind}"
            print_items(client.all(f"{PATH}{query}"), COLUMNS, as_json=options.json)
        case "show":
            agent = find(client, PATH, "name", options.agent)
            print_item(agent, as_json=options.json)
        case "create":
            print_item(client.post(PATH, given(options, FIELDS)), as_json=options.json)
        case "change":
            agent = find(client, PATH, "name", options.agent)
            fields = merged(agent, given(options, FIELDS), PARTED)
            print_item(client.patch(f"{PATH}/{agent['id']}", fields), as_json=options.json)
        case "delete":
            agent = find(client, PATH, "name", options.agent)
            client.delete(f"{PATH}/{agent['id']}")
    return 0


def agent_id(client: ApiClient, wanted: str) -> Any:
    """Of the agent with that name or id. Raises UsageError."""
    return find(client, PATH, "name", wanted)["id"]


def agent_id_or_none(client: ApiClient, wanted: str) -> Any:
    """The same, where it may be nobody: None."""
    return None if wanted == NOBODY else agent_id(client, wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook agent", description="What answers calls.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all of them")
    listing.add_argument("--kind", choices=("ai", "human"))
    show = verbs.add_parser("show", help="one of them")
    create = verbs.add_parser("create", help="make one")
    create.add_argument("name")
    create.add_argument("--kind", choices=("ai", "human"))
    change = verbs.add_parser("change", help="change some of one")
    delete = verbs.add_parser("delete", help="delete one; its calls remain")
    for verb in (show, change, delete):
        verb.add_argument("agent", help="its id or name")
    change.add_argument("--name")
    for verb in (create, change):
        _add_fields(verb)
    for verb in (listing, show, create, change, delete):
        add_options(verb)
    return parser


def _add_fields(parser: argparse.ArgumentParser) -> None:
    helps: dict[str, Any] = {
        "greeting": "the first words; none: the responder's own",
        "prompt": "what a language model is told about its task",
        "language": "such as en or de",
        "llm": "house, or a provider's name",
        "model": "of the provider",
        "stt": "pocketsphinx, or a provider's name",
        "tts": "espeak, or a provider's name",
        "voice": "of that service",
        "address": "where a person is called: a number or a SIP address",
    }
    for name, text in helps.items():
        parser.add_argument(f"--{name}", help=text)
    parser.add_argument("--active", action=argparse.BooleanOptionalAction, default=None)
    add_set(parser)
