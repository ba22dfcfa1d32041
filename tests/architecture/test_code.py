"""Rules of the code that a reader should not have to check: read off the syntax tree and the models."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.apps import apps
from django.db.models import ForeignKey, ManyToManyField

from core.tenancy import TenantForeignKey, TenantManager

ROOT = Path(__file__).resolve().parents[2]
# An app may point at the apps on lower levels.
LEVELS = {
    "core": 0,
    "accounts": 1,
    "programs": 2,
    "tracking": 3,
    "rewards": 4,
    "engagement": 5,
    "integrations": 5,
    "analytics": 6,
    "referral_platform": 7,
}
EDGES = ("views", "api", "handlers", "tasks", "forms", "context", "admin", "serializers")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "constants", "mixins", "managers", "signals", "misc"}
LONGEST = 400

MAY_START_A_QUERY = {"for_workspace", "create", "bulk_create", "none"}
"""What may follow `Model.objects`: a read narrowed to its workspace, rows that name theirs, or no rows."""

MAY_OPEN_DOORS = {
    "core/queue.py": "claims due work of every workspace",
    "integrations/services/lanes.py": "claims due deliveries and questions, a few for each receiver",
    "rewards/management/commands/verify_ledger.py": "checks the books of every workspace",
}
"""Modules outside `queries` that read across workspaces, each with its reason."""

MAY_WRITE_SQL = {
    "core/tenancy.py": "sets the two settings that the policies read",
    "core/isolation.py": "writes the policies",
    "core/notices.py": "tells every process of a changed workspace",
    "core/transactions.py": "makes a transaction read-only, for which the ORM has no word",
    "core/arrays.py": "writes many rows by arrays, for which the ORM has one expression for each value",
    "core/compiled.py": "runs what the ORM wrote before, with other values",
    "core/partitions.py": "has a month's partition made by a function of the owner's",
    "tracking/entry/line.py": "the click entry's own connection, which never waits long",
    "tracking/entry/writer.py": "stores groups of clicks of several workspaces in one statement",
    "referral_platform/demo/playing.py": "lets Postgres count the rows of the demo's long transaction",
    "analytics/services.py": "lets one rebuild of the figures wait for another by an advisory lock",
    "accounts/services/workspaces.py": "takes a workspace's number before the row, which its policy needs",
}
"""Modules whose SQL was reviewed by eye. Every other statement comes from the ORM with its parameters."""


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module of the product, by path; migrations are not code."""
    found = {}
    for app in LEVELS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                found[str(path.relative_to(ROOT))] = ast.parse(path.read_text())
    return found


def listed(wrong: list[str]) -> str:
    """Return everything that is wrong, a line each."""
    return "\n" + "\n".join(wrong)


def in_folder_or_file(path: str, names: tuple[str, ...]) -> bool:
    """Tell whether a module is `<app>/<name>.py` or lies in `<app>/<name>/`."""
    return any(part.removesuffix(".py") in names for part in Path(path).parts[1:])


def parents(tree: ast.Module) -> dict[ast.AST, ast.AST]:
    """Return each node's parent."""
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def tenant_model_names() -> set[str]:
    """Return the class names of all tenant tables."""
    return {m.__name__ for m in apps.get_models() if isinstance(m._default_manager, TenantManager)}


def is_correlated(call: ast.Call) -> bool:
    """Tell whether a filter takes its workspace from the query around it, as a subquery does."""
    return any(
        keyword.arg == "workspace_id" and ast.unparse(keyword.value) == "OuterRef('workspace_id')"
        for keyword in call.keywords
    )


def starts_of_queries(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Yield line, model and next attribute of every `Model.objects` of a tenant table."""
    above, tenants = parents(tree), tenant_model_names()
    for node in ast.walk(tree):
        managers = ("objects", "_default_manager", "_base_manager")
        if not (isinstance(node, ast.Attribute) and node.attr in managers):
            continue
        model = node.value.id if isinstance(node.value, ast.Name) else ast.unparse(node.value)
        if model in tenants or not isinstance(node.value, ast.Name) or model[0].islower():
            parent = above[node]
            follows = parent.attr if isinstance(parent, ast.Attribute) else "nothing"
            call = above.get(parent)
            if follows == "filter" and isinstance(call, ast.Call) and is_correlated(call):
                continue
            yield node.lineno, f"{model}.{node.attr}", follows


def test_every_read_of_a_tenant_table_names_its_workspace() -> None:
    wrong = []
    for path, tree in modules().items():
        allowed = set(MAY_START_A_QUERY)
        if in_folder_or_file(path, ("queries",)) or path in MAY_OPEN_DOORS:
            allowed.add("through_door")
        if path == "core/tenancy.py":
            continue
        for line, model, follows in starts_of_queries(tree):
            if follows not in allowed:
                wrong.append(f"{path}:{line}: {model}.{follows}")
    assert not wrong, listed(wrong)


def test_doors_are_opened_in_queries_and_the_queue_only() -> None:
    opened = []
    for path, tree in modules().items():
        if path == "core/tenancy.py" or in_folder_or_file(path, ("queries",)) or path in MAY_OPEN_DOORS:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("door", "tenancy.door"):
                opened.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert not opened, listed(opened)


def test_sql_is_written_in_reviewed_modules_only() -> None:
    wrong = []
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("raw", "extra", "cursor"):
                what = f".{node.attr}"
            elif isinstance(node, ast.Name) and node.id == "RawSQL":
                what = node.id
            elif isinstance(node, ast.alias) and node.name in ("RawSQL", "psycopg2"):
                what = node.name
            else:
                continue
            if path.startswith("referral_platform/local/"):
                continue
            if path not in MAY_WRITE_SQL:
                wrong.append(f"{path}:{getattr(node, 'lineno', 0)}: {what}")
    assert not wrong, listed(wrong)


def test_nothing_listens_to_signals() -> None:
    wrong = []
    for path, tree in modules().items():
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            wrong += [f"{path}:{node.lineno}: {n}" for n in names if ".signals" in n or "receiver" in n]  # type: ignore[attr-defined]
    assert not wrong, listed(wrong)


def test_models_do_not_act_when_they_are_saved() -> None:
    overridden = {
        model.__name__
        for model in apps.get_models()
        if model._meta.app_label in LEVELS and ({"save", "delete"} & set(vars(model)))
    }
    assert overridden == set()


def test_services_are_not_imported_from_below() -> None:
    """Models, queries and pure modules know no services; services know no tasks and no requests."""
    wrong = []
    for path, tree in modules().items():
        imported = {
            f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        if in_folder_or_file(path, ("services",)):
            banned = (
                "django.http",
                "rest_framework",
                "celery",
                "django.shortcuts",
                "django.contrib.messages",
            )
            wrong += [f"{path}: {name}" for name in imported if name.startswith(banned)]
            wrong += [f"{path}: {name}" for name in imported if name.endswith(".tasks") or ".tasks." in name]
        if in_folder_or_file(path, ("models", "queries")):
            wrong += [f"{path}: {name}" for name in imported if ".services" in name]
    assert not wrong, listed(wrong)


def test_only_the_clock_reads_the_clock() -> None:
    wrong = []
    for path, tree in modules().items():
        if path == "core/clock.py" or path.startswith("referral_platform/local/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name in ("datetime.now", "datetime.utcnow", "date.today", "timezone.now", "time.time"):
                    wrong.append(f"{path}:{node.lineno}: {name}")
    assert not wrong, listed(wrong)


def test_modules_are_named_for_what_they_hold() -> None:
    wrong = [
        path for path in modules() if FORBIDDEN_NAMES & {p.removesuffix(".py") for p in Path(path).parts}
    ]
    assert not wrong, listed(wrong)


def test_modules_stay_short_enough_to_read() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in modules()}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_every_app_says_in_a_sentence_what_it_owns() -> None:
    for app in LEVELS:
        sentence = ast.get_docstring(modules()[f"{app}/__init__.py"])
        assert sentence, app
        assert sentence.rstrip().endswith("."), app
        assert sentence.startswith("Owns ") or app == "referral_platform", app


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield the module's public functions."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def test_services_and_queries_say_what_they_do() -> None:
    silent = [
        f"{path}:{node.lineno}: {node.name}"
        for path, tree in modules().items()
        if in_folder_or_file(path, ("services", "queries", "handlers", "tasks"))
        for node in public_functions(tree)
        if not ast.get_docstring(node)
    ]
    assert not silent, listed(silent)


def test_what_changes_rows_takes_its_arguments_by_name() -> None:
    positional = [
        f"{path}:{node.lineno}: {node.name}"
        for path, tree in modules().items()
        if in_folder_or_file(path, ("services",))
        for node in public_functions(tree)
        if {"transaction.atomic", "transaction.atomic(savepoint=False)", "all_or_nothing"}
        & {ast.unparse(decorator) for decorator in node.decorator_list}
        and (node.args.args or node.args.posonlyargs)
    ]
    assert not positional, listed(positional)


def test_edges_do_not_write_rows() -> None:
    """Views, endpoints, handlers and tasks load and answer; services change rows."""
    writing = ("create", "bulk_create", "update", "delete", "save", "get_or_create", "update_or_create")
    wrong = []
    for path, tree in modules().items():
        if not in_folder_or_file(path, EDGES) or path.startswith("core/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                chain = ast.unparse(node.func)
                if node.func.attr in writing and ".objects" in chain:
                    wrong.append(f"{path}:{node.lineno}: {chain}")
    assert not wrong, listed(wrong)


def test_relations_point_down_or_stay_inside() -> None:
    wrong = []
    for model in apps.get_models():
        label = model._meta.app_label
        if label not in LEVELS:
            continue
        for field in model._meta.get_fields():
            if not isinstance(field, ForeignKey | ManyToManyField) or field.model is not model:
                continue
            target = field.related_model._meta.app_label
            if target != label and LEVELS.get(target, -1) >= LEVELS[label]:
                wrong.append(f"{model.__name__}.{field.name} -> {target}")
    assert not wrong, listed(wrong)


def test_relations_between_tenant_tables_are_tenant_foreign_keys() -> None:
    tenants = tenant_model_names()
    wrong = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model.__name__ in tenants
        for field in model._meta.local_fields
        if isinstance(field, ForeignKey)
        and not isinstance(field, TenantForeignKey)
        and field.related_model.__name__ in tenants
        and field.related_model.__name__ != "Workspace"
    ]
    assert not wrong, listed(wrong)
