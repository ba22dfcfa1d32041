"""What Postgres itself says about isolation, whatever the migrations meant to do."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.conf import settings

from accounts.models import Workspace
from core.tenancy import DOORS, TenantManager
from tests.architecture.catalogue import ask, column_of, operations, tenant_models

pytestmark = pytest.mark.django_db

BARE = r"\({column} = \(NULLIF\(current_setting\('app\.workspace'::text, true\), ''::text\)\)::bigint\)"
DOOR = "(current_setting('app.door'::text, true) = '{door}'::text)"

UNIQUE_WITHOUT_WORKSPACE = {
    ("programs_coderoute", ("code_key",)): "short codes of all tenants share one host",
    ("accounts_domain", ("host",)): "a name on the internet has one owner, once it is proved",
    ("accounts_workspace", ("slug",)): "a workspace's own address; the table is the list of tenants",
    ("accounts_workspace", ("sandbox_of_id",)): "one sandbox for each workspace",
}
SIMPLE_FOREIGN_KEYS = {
    ("accounts_workspace", "sandbox_of_id"): "a sandbox points at its workspace, which is another tenant",
}
UNTIED = {
    ("tracking_click", "link_id"),
    ("tracking_click", "participant_id"),
    ("tracking_click", "program_id"),
    ("tracking_touchpoint", "click_id"),
}
"""Relations without a key in the database: clicks are too many to check, and are archived by the month."""

TABLES_WITHOUT_A_TENANT = {
    "accounts_user",
    "accounts_user_groups",
    "accounts_user_user_permissions",
    "account_emailaddress",
    "account_emailconfirmation",
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
    "django_session",
    "rewards_referencerate",
    "tracking_clickagent",
}
"""People, their sessions and the framework's own tables: one person belongs to several workspaces. And names
of browsers, which no workspace made."""


def test_every_table_is_a_tenants_or_known_to_belong_to_nobody() -> None:
    tables = {
        name
        for (name,) in ask(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p', 'f') AND NOT relispartition"
        )
    }
    assert tables == set(tenant_models()) | TABLES_WITHOUT_A_TENANT


def test_every_tenant_table_forces_row_level_security() -> None:
    found = ask(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = ANY(%s)",
        list(tenant_models()),
    )
    assert sorted(found) == [(table, True, True) for table in sorted(tenant_models())]


def test_every_tenant_table_has_the_tenant_policy_on_the_bare_column() -> None:
    policies = {
        table: (permissive, command, roles, using, check)
        for table, permissive, command, roles, using, check in ask(
            "SELECT tablename, permissive, cmd, roles::text, qual, with_check FROM pg_policies "
            "WHERE policyname = 'tenant'"
        )
    }
    assert set(policies) == set(tenant_models())
    for table, (permissive, command, roles, using, check) in policies.items():
        expected = BARE.format(column=column_of(table))
        assert (permissive, command, roles) == ("PERMISSIVE", "ALL", "{public}"), table
        assert re.fullmatch(expected, using), (table, using)
        assert re.fullmatch(expected, check), (table, check)


def test_doors_open_what_the_migrations_declare_and_nothing_else() -> None:
    found = {
        (table, name): (command, using, check)
        for table, name, command, using, check in ask(
            "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies "
            "WHERE policyname <> 'tenant'"
        )
    }
    declared: dict[tuple[str, str], tuple[str, str | None, str | None]] = {}
    for table, operation in operations().items():
        for name, access in operation.doors.items():
            opened = DOOR.format(door=name)
            if access == "INSERT":
                declared[table, f"door_{name}_insert"] = ("INSERT", None, opened)
            command = "SELECT" if access == "INSERT" else access
            declared[table, f"door_{name}"] = (command, opened, opened if access == "ALL" else None)
    assert found == declared
    assert {name.removeprefix("door_").removesuffix("_insert") for _, name in found} == set(DOORS)


def test_only_the_queue_may_write_across_tenants() -> None:
    writing = {
        (table, name)
        for table, operation in operations().items()
        for name, access in operation.doors.items()
        if access == "ALL"
    }
    assert {name for _, name in writing} == {"queue"}
    claimable = {
        model._meta.db_table
        for model in apps.get_models()
        if {"leased_until", "due_at", "state"} <= {field.name for field in model._meta.local_fields}
    }
    assert {table for table, _ in writing} == claimable


def test_the_applications_role_can_do_no_more_than_it_must() -> None:
    role = settings.DATABASE_RUNTIME_ROLE
    assert ask("SELECT current_user") == [(role,)]
    assert ask(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles "
        "WHERE rolname = %s",
        role,
    ) == [(False, False, False, False, False)]
    # A role it is a member of would lend it its rights.
    assert ask("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", role) == []
    assert ask("SELECT relname FROM pg_class WHERE relowner = %s::regrole", role) == []
    assert (
        ask(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND ("
            "has_table_privilege(%s, oid, 'TRUNCATE') OR has_table_privilege(%s, oid, 'TRIGGER') "
            "OR has_table_privilege(%s, oid, 'REFERENCES'))",
            role,
            role,
            role,
        )
        == []
    )


def test_the_owner_of_the_tables_is_bound_by_the_policies_too() -> None:
    owners = ask(
        "SELECT DISTINCT r.rolsuper, r.rolbypassrls FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
    )
    assert owners == [(False, False)]


def test_append_only_tables_take_no_update_and_no_delete() -> None:
    role = settings.DATABASE_RUNTIME_ROLE
    declared = {table for table, operation in operations().items() if operation.append_only}
    assert {"rewards_transfer", "accounts_auditentry", "programs_programversion"} <= declared
    documented = {table for table, model in tenant_models().items() if "Append-only" in (model.__doc__ or "")}
    assert documented <= declared
    for table, model in tenant_models().items():
        rights = ask(
            "SELECT has_table_privilege(%s, %s, 'SELECT'), has_table_privilege(%s, %s, 'INSERT'), "
            "has_any_column_privilege(%s, %s, 'UPDATE'), has_table_privilege(%s, %s, 'DELETE')",
            *[role, model._meta.db_table] * 4,
        )
        changeable = table not in declared
        assert rights == [(True, True, changeable, changeable)], table


def test_nothing_runs_with_anothers_rights() -> None:
    """SECURITY DEFINER functions, materialised views and plain views read past the policies."""
    ours = "NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
    definers = ask(f"SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace {ours}")
    # Makes an empty partition, and reads nothing.
    assert definers == [("tracking_click_make_month",)]
    assert ask(f"SELECT relname FROM pg_class WHERE relkind = 'm' AND relnamespace {ours}") == []
    assert (
        ask(
            f"SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace {ours} "
            "AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)"
        )
        == []
    )
    # And no triggers or rules of our own: a distributed Postgres refuses them, and they act unseen.
    assert ask("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []


def test_foreign_keys_between_tenant_tables_carry_the_workspace() -> None:
    found = ask(
        "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, "
        "ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, o) "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.o), "
        "ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, o) "
        "JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.o) "
        "FROM pg_constraint c WHERE c.contype = 'f'"
    )
    tables = tenant_models()
    composite: dict[tuple[str, str], str] = {}
    wrong = []
    for table, target, columns, target_columns in found:
        if table not in tables or target not in tables:
            continue
        if target == "accounts_workspace" and columns == ["workspace_id"]:
            continue
        if columns[0] == "workspace_id" and target_columns == ["workspace_id", "id"]:
            composite[table, columns[1]] = target
        elif (table, *columns) not in SIMPLE_FOREIGN_KEYS:
            wrong.append((table, target, columns))
    assert wrong == []
    # Every relation of the models has such a key, so none is left to the application's good manners.
    relations = {
        (table, field.column): field.related_model._meta.db_table
        for table, model in tables.items()
        for field in model._meta.local_fields
        if field.is_relation
        and field.related_model._meta.db_table in tables
        and field.related_model is not Workspace
    }
    assert relations.keys() >= UNTIED
    assert composite == {key: target for key, target in relations.items() if key not in UNTIED}


def test_uniques_and_primary_look_ups_lead_with_the_workspace() -> None:
    found = ask(
        "SELECT i.indrelid::regclass::text, i.indisprimary, "
        "ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int[]) WITH ORDINALITY k(n, o) "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY k.o) "
        "FROM pg_index i WHERE i.indisunique AND i.indrelid::regclass::text = ANY(%s)",
        list(tenant_models()),
    )
    exceptions = set()
    wrong = []
    for table, primary, columns in found:
        if (table, tuple(columns)) in UNIQUE_WITHOUT_WORKSPACE:
            exceptions.add((table, tuple(columns)))
        elif columns[0] != "workspace_id" and not (primary and columns in (["id"], ["id", "occurred_at"])):
            wrong.append((table, columns))
    assert wrong == []
    assert exceptions == set(UNIQUE_WITHOUT_WORKSPACE)


def test_public_ids_are_unique_in_their_workspace() -> None:
    found = {
        table
        for (table,) in ask(
            "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'u' "
            "AND conname LIKE '%%\\_ws\\_pid'"
        )
    }
    named = {
        table
        for table, model in tenant_models().items()
        if model is not Workspace and "public_id" in {field.name for field in model._meta.local_fields}
    }
    assert found == named


def test_every_workspace_column_is_required() -> None:
    nullable = ask(
        "SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'workspace_id' "
        "AND NOT attnotnull AND attrelid::regclass::text = ANY(%s)",
        list(tenant_models()),
    )
    assert nullable == []


def test_tenant_models_refuse_unscoped_queries_also_through_relations() -> None:
    for table, model in tenant_models().items():
        assert isinstance(model._default_manager, TenantManager), table
        assert isinstance(model._base_manager, TenantManager), table
        assert model._meta.base_manager_name == "objects", table
