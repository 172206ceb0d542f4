"""The PowerShell in contrib/exchange, and every line of it that the program tells people to type.

There is no Exchange to run them on: a grammar reads them, and the reference below is what
Microsoft's pages of the cmdlets list, of the parameters that matter here.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

from cospaced.doctor.processing_file import AUTOMATE, FLAGS, parsed


ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "contrib" / "exchange").glob("*.ps1"))
SOURCES = sorted((ROOT / "daemon" / "cospaced").rglob("*.py"))
PAGES = (
    ROOT / "README.md",
    ROOT / "config" / "cospaced.ini.example",
    ROOT / "contrib" / "exchange" / "README.md",
)
_EWS = "EwsMaxConcurrency EwsMaxBurst EwsRechargeRate EwsCutoffBalance EwsMaxSubscriptions"
REFERENCE = {
    name: frozenset(parameters.split())
    for name, parameters in {
        "Add-MailboxFolderPermission": "Identity User AccessRights SharingPermissionFlags",
        "Connect-ExchangeOnline": "UserPrincipalName Organization ShowBanner",
        "Get-ApplicationAccessPolicy": "Identity",
        "Get-CalendarProcessing": "Identity ResultSize",
        "Get-DistributionGroup": "Identity Filter ResultSize",
        "Get-Group": "Identity Filter ResultSize",
        "Get-Mailbox": "Identity Filter RecipientTypeDetails ResultSize",
        "Get-ManagementRoleAssignment": "Identity Role RoleAssignee RoleAssigneeType",
        "Get-ManagementScope": "Identity Orphan Exclusive",
        "Get-Recipient": "Identity Filter RecipientTypeDetails ResultSize",
        "Get-ServicePrincipal": "Identity Organization",
        "Get-ThrottlingPolicy": "Identity Explicit ThrottlingPolicyScope",
        "Get-User": "Identity Filter ResultSize",
        "New-ApplicationAccessPolicy": "AppId PolicyScopeGroupId AccessRight Description",
        "New-Mailbox": "Name UserPrincipalName Password Alias Room",
        "New-ManagementRoleAssignment": (
            "Name Role User App CustomRecipientWriteScope CustomResourceScope"
        ),
        "New-ManagementScope": "Name RecipientRestrictionFilter RecipientRoot",
        "New-ServicePrincipal": "AppId ObjectId DisplayName",
        "New-ThrottlingPolicy": f"Name ThrottlingPolicyScope {_EWS}",
        "Set-CalendarProcessing": f"Identity {AUTOMATE} {' '.join(FLAGS)} AllowConflicts",
        "Set-Mailbox": "Identity HiddenFromAddressListsEnabled",
        "Set-ManagementScope": "Identity RecipientRestrictionFilter Name",
        "Set-ThrottlingPolicyAssociation": "Identity ThrottlingPolicy",
        "Test-ServicePrincipalAuthorization": "Identity Resource",
        # Microsoft Graph's.
        "New-MgServicePrincipal": "AppId DisplayName",
        # PowerShell's own.
        "Export-Csv": "Path NoTypeInformation Encoding UseCulture",
        "ForEach-Object": "Process",
        "Get-Help": "Name Full",
        "Out-Null": "",
        "Read-Host": "AsSecureString Prompt",
        "Write-Output": "",
        "Write-Warning": "Message",
    }.items()
}
COMMON = {"ErrorAction", "WhatIf", "Confirm", "Verbose"}
CMDLET = re.compile(
    r"\b(?:Add|Connect|Export|Get|Grant|New|Read|Remove|Set|Test)-[A-Z]\w+(?:\.ps1)?"
)
PARAMETER = re.compile(r"(?<=[\s(])-([A-Z]\w+)")

Node = tree_sitter.Node


def tree(script: Path) -> Node:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    return parser.parse(script.read_bytes()).root_node


def nodes(node: Node, kind: str) -> Iterator[Node]:
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(child, kind)


def text(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()


def tables(root: Node) -> dict[str, set[str]]:
    """Return the keys of each hash table that is assigned to a variable."""
    return {
        text(next(nodes(one, "variable"))): {text(key) for key in nodes(one, "key_expression")}
        for one in nodes(root, "assignment_expression")
        if next(nodes(one, "hash_literal_expression"), None) is not None
    }


def commands(root: Node) -> Iterator[tuple[str, set[str]]]:
    """Yield each command's name and its parameters, those of a splatted table with them."""
    known = tables(root)
    for command in nodes(root, "command"):
        name = next(nodes(command, "command_name"), None)
        if name is None:
            continue
        elements = next((c for c in command.children if c.type == "command_elements"), None)
        told = elements.children if elements is not None else []
        found = {text(one)[1:].rstrip(":") for one in told if one.type == "command_parameter"}
        for one in told:
            if text(one).startswith("@") and text(one)[1:].isidentifier():
                found |= known[f"${text(one)[1:]}"]
        yield text(name), found


def sentences(source: Path) -> Iterator[str]:
    """Yield the strings of a module, whole as the program says them."""
    whole = list(ast.walk(ast.parse(source.read_text())))
    joined = [node for node in whole if isinstance(node, ast.JoinedStr)]
    parts = {part for node in joined for part in node.values}
    for node in joined:
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values
        )
    for node in whole:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield node.value


def lines(prose: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each cmdlet that a text names, with the parameters between it and the next one."""
    found = list(CMDLET.finditer(prose))
    for number, one in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(prose)
        line = re.split(r"[;`|\n]", prose[one.end() : end])[0]
        yield one.group(), set(PARAMETER.findall(line))


def told() -> Iterator[tuple[Path, str, set[str]]]:
    for source in SOURCES:
        for sentence in sentences(source):
            for name, parameters in lines(sentence):
                yield source, name, parameters
    for page in PAGES:
        for name, parameters in lines(page.read_text()):
            yield page, name, parameters


def parameters_of(script: Path) -> set[str]:
    root = next(nodes(tree(script), "param_block"))
    return {
        text(child)[1:]
        for one in nodes(root, "script_parameter")
        for child in one.children
        if child.type == "variable"
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_whole_powershell(script: Path) -> None:
    root = tree(script)
    assert not root.has_error
    assert len(list(commands(root))) >= 3
    # Windows PowerShell takes a file without a byte order mark for one of the local code page.
    assert script.read_bytes().isascii()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_uses_cmdlets_and_parameters_that_there_are(script: Path) -> None:
    wrong = [
        (name, sorted(parameters - REFERENCE.get(name, frozenset()) - COMMON))
        for name, parameters in commands(tree(script))
        if name not in REFERENCE or parameters - REFERENCE[name] - COMMON
    ]
    assert wrong == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_ends_where_a_cmdlet_of_exchange_fails(script: Path) -> None:
    # A function of a module does not see its caller's $ErrorActionPreference, only its parameters.
    assigned = [" ".join(text(one).split()) for one in nodes(tree(script), "assignment_expression")]
    assert "$ErrorActionPreference = 'Stop'" in assigned
    assert "$PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }" in assigned


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_writes_nothing_without_being_asked_by_whatif(script: Path) -> None:
    root = tree(script)
    asks = "$PSCmdlet.ShouldProcess(" in text(root)
    assert asks == ("[CmdletBinding(SupportsShouldProcess = $true)]" in text(root))
    for command in nodes(root, "command"):
        name = next(nodes(command, "command_name"), None)
        if name is None or text(name).partition("-")[0] not in ("New", "Set", "Add", "Remove"):
            continue
        up, asked = command.parent, False
        while up is not None:
            head = text(up).partition("{")[0]
            asked = asked or (up.type == "if_statement" and "$PSCmdlet.ShouldProcess(" in head)
            up = up.parent
        assert asked, text(command)


def test_every_line_that_people_are_told_to_type_is_one_that_exchange_knows() -> None:
    wrong = []
    names = set()
    scripts = {path.name: parameters_of(path) for path in SCRIPTS}
    for place, name, parameters in told():
        names.add(name)
        known = scripts.get(name, REFERENCE.get(name))
        if known is None or parameters - known - COMMON:
            wrong.append((place.name, name, parameters))
    assert wrong == []
    assert names >= {
        "Add-MailboxFolderPermission",
        "Grant-CospacedGraph.ps1",
        "New-CospacedAccount.ps1",
        "New-ThrottlingPolicy",
        "Set-CalendarProcessing",
    }


def test_every_script_that_is_named_is_there_and_every_one_there_is_named() -> None:
    every = "\n".join(path.read_text() for path in (*SOURCES, *PAGES))
    named = set(re.findall(r"[A-Z]\w+-\w+\.ps1", every))
    assert named == {path.name for path in SCRIPTS}


def test_the_export_is_what_the_doctor_reads() -> None:
    (script,) = (path for path in SCRIPTS if path.name == "Export-RoomProcessing.ps1")
    keys = [text(key) for key in nodes(tree(script), "key_expression")]
    values = {"Mailbox": "aula@example.org", AUTOMATE: "AutoAccept"}
    row = ",".join(f'"{values.get(key, "True")}"' for key in keys)
    (room,) = parsed(f"{','.join(keys)}\r\n{row}\r\n".encode())
    assert (room.name, room.automate) == ("aula@example.org", "AutoAccept")
    assert room.flags == dict.fromkeys(FLAGS, True)


def test_the_settings_script_sets_all_that_the_doctor_looks_at() -> None:
    (script,) = (path for path in SCRIPTS if path.name == "Set-RoomProcessing.ps1")
    strings = {text(one).strip("'") for one in nodes(tree(script), "string_literal")}
    assert {*FLAGS, AUTOMATE} <= strings
