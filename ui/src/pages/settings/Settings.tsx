// Settings: people and their roles, teams, codebases and their owner processes, the policy in force.
import { Badge, Code, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { codebases, people, policy, teams } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { PersonName } from "../../lib/names.tsx";
import { Asked, EmptyState, Fact, Facts, PageHeader, Section } from "../../lib/Page.tsx";
import { grantName } from "../../lib/words.ts";

export default function Settings() {
  return (
    <>
      <PageHeader title="Settings" />
      <Section id="people" title="People and roles" actions={<><CommandButton command="grant_role" size="xs" /><CommandButton command="name_deputy" size="xs" /></>}>
        <Asked of={useQuery(people)}>
          {(all) => all.length === 0 ? <EmptyState title="Nobody holds a role yet">Accounts are made with <code>POST /api/v1/accounts</code>; give them a role here.</EmptyState> : (
            <Facts>{all.map(({ person, grants }) => <Fact key={person} name={<PersonName account={person} />}><Group gap={6}>{grants.map((role) => <Badge key={role} color="gray">{grantName(role)}</Badge>)}{grants.map((role) => <CommandButton key={role} command="revoke_role" with={{ account: person, role }} label={grants.length === 1 ? "Take it away" : `Take ${grantName(role)} away`} size="compact-xs" />)}</Group></Fact>)}</Facts>
          )}
        </Asked>
      </Section>
      <Section id="teams" title="Teams" actions={<CommandButton command="define_team" size="xs" />}>
        <Asked of={useQuery(teams)}>{(all) => all.length === 0 ? <EmptyState title="No team yet" /> : <Facts>{all.map(({ team, name }) => <Fact key={team} name={name ?? team}><span className="mono">{team}</span></Fact>)}</Facts>}</Asked>
      </Section>
      <Section id="codebases" title="Codebases and owner processes" actions={<CommandButton command="define_codebase" size="xs" />}>
        <Asked of={useQuery(codebases)}>{(all) => all.length === 0 ? <EmptyState title="No codebase yet" /> : <Facts>{all.map(({ codebase, items }) => <Fact key={codebase} name={codebase}>{items.map((item: string | { name: string }) => (typeof item === "string" ? item : item.name).replaceAll("_", " ")).join(", then ")}</Fact>)}</Facts>}</Asked>
      </Section>
      <Section id="policy" title="Policy in force for new cases" says={<>Kept in a file under version control; <code>tenure policy set</code> puts it in force.</>}>
        <Asked of={useQuery(policy)}>{(now) => <Code block>{JSON.stringify(now, null, 2)}</Code>}</Asked>
      </Section>
    </>
  );
}
