// Teams: those that run experiments, and those that own products. What a team is follows from what it does.
import { useQuery } from "@tanstack/react-query";
import { Group } from "@mantine/core";
import { people, teams } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { PersonName } from "../../lib/names.tsx";
import { Asked, EmptyState, Fact, Facts, Section } from "../../lib/Page.tsx";

export default function Teams() {
  const seats = useQuery(people).data ?? [];
  return (
    <Section
      id="teams"
      title="Teams"
      says="A team that runs experiments has the onus of its cases; one that owns a product is asked for buy-in."
      actions={
        <>
          <CommandButton command="define_team" size="xs" primary />
          <CommandButton command="set_calendar" size="xs" />
        </>
      }
    >
      <Asked of={useQuery(teams)}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No team yet">
              Add the team that runs your experiments first, then the teams whose products they touch.
            </EmptyState>
          ) : (
            <Facts>
              {all.map(({ team, name }) => {
                const owners = seats.filter(({ grants }) => grants.includes(`product_owner:${team}`));
                return (
                  <Fact key={team} name={name}>
                    <Group gap="xs">
                      <span className="mono">{team}</span>
                      {owners.length > 0 && (
                        <span className="quiet">
                          product owner:{" "}
                          {owners.map(({ person }, at) => (
                            <span key={person}>
                              {at > 0 && ", "}
                              <PersonName account={person} />
                            </span>
                          ))}
                        </span>
                      )}
                      <CommandButton command="define_team" with={{ team }} label="Rename" size="compact-xs" />
                      <CommandButton command="dissolve_team" with={{ team }} size="compact-xs" />
                    </Group>
                  </Fact>
                );
              })}
            </Facts>
          )
        }
      </Asked>
    </Section>
  );
}
