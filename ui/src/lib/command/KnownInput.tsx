// A field that names something the server has a list of: a person, a team, a codebase, a case, a metric.
import { MultiSelect, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { accounts, cases, codebases, metrics, people, teams } from "../../api/queries.ts";
import type { FieldProps } from "./FieldInput.tsx";

/** Something that the server has a list of. */
export function Known({ field, value, onChange, fault }: FieldProps) {
  const isPerson = field.is === "person";
  const known = {
    people: useQuery({ ...people, enabled: isPerson }).data ?? [],
    accounts: useQuery({ ...accounts, enabled: isPerson }).data ?? [],
    teams: useQuery({ ...teams, enabled: field.is === "team" || field.is === "productTeam" }).data ?? [],
    codebases: useQuery({ ...codebases, enabled: field.is === "codebase" || field.is === "codebases" }).data ?? [],
    cases: useQuery({ ...cases, enabled: field.is === "case" }).data ?? [],
    metrics: useQuery({ ...metrics, enabled: field.is === "metric" }).data ?? [],
  };
  const about = {
    label: field.label,
    description: field.hint,
    error: fault,
    searchable: true,
    clearable: field.optional === true,
    name: field.name,
    nothingFoundMessage: "nothing by that name",
  };
  const one = (data: { value: string; label: string }[]) => (
    <Select
      {...about}
      data={data}
      value={typeof value === "string" ? value : null}
      onChange={onChange}
      placeholder={field.optional === true ? "optional" : "choose"}
    />
  );
  switch (field.is) {
    case "codebases":
      return (
        <MultiSelect
          {...about}
          data={known.codebases.map(({ codebase }) => codebase)}
          value={(value as string[] | undefined) ?? []}
          onChange={onChange}
          placeholder="choose"
        />
      );
    case "codebase":
      return one(known.codebases.map(({ codebase }) => ({ value: codebase, label: codebase })));
    case "case":
      return one(known.cases.map((found) => ({ value: found.id, label: found.title ?? found.id })));
    case "metric":
      return one(known.metrics.map((found) => ({ value: found.metric, label: found.title ?? found.metric })));
    case "person": {
      const { role } = field;
      const named = (id: string) => known.accounts.find((account) => account.id === id)?.display_name ?? id;
      const fit =
        role === undefined
          ? known.accounts.map(({ id }) => id)
          : known.people
              .filter(({ grants }) => grants.some((grant) => grant.split(":")[0] === role))
              .map(({ person }) => person);
      return one(fit.map((id) => ({ value: id, label: named(id) })));
    }
    default:
      return one(known.teams.map(({ team, name }) => ({ value: team, label: name ?? team })));
  }
}
