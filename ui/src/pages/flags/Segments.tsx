// Segments: named sets of units that rules of many flags refer to.
import { Anchor, Button, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { segments } from "../../api/queries.ts";
import type { Segment, SegmentView as View } from "../../api/model.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { useGive } from "../../lib/command/give.ts";
import { Cut } from "../../lib/Cut.tsx";
import { FormDialog } from "../../lib/FormDialog.tsx";
import { replaced } from "../../lib/ListInput.tsx";
import { PersonName } from "../../lib/names.tsx";
import { dayOf, of } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { conditionWords, countOf } from "./authored.ts";
import { Conditions } from "./Conditions.tsx";
import { UnitsInput } from "./UnitsInput.tsx";
import { FlagTabs } from "./FlagTabs.tsx";

export default function Segments() {
  const asked = useQuery(segments);
  const [query, setQuery] = useSearchParams();
  const edited = query.get("edit");
  return (
    <>
      <PageHeader
        title="Segments"
        says="Named sets of units. A change of one reaches every flag that refers to it."
        actions={
          <Button component={Link} to="?edit=" variant="filled">
            Add a segment
          </Button>
        }
      />
      <FlagTabs />
      <Asked of={asked}>
        {(all) =>
          all.length === 0 ? (
            <Section>
              <EmptyState title="No segment yet">
                Staff, beta customers, a country: whoever several flags treat alike.
              </EmptyState>
            </Section>
          ) : (
            <Rows
              label="Segments"
              rows={all}
              rowKey={(one) => one.segment}
              columns={[
                {
                  name: "Segment",
                  width: "minmax(240px, 2fr)",
                  phone: "minmax(0, 1fr)",
                  cell: (one) => {
                    const said = one.description ?? words(one.holds);
                    return (
                      <>
                        <Anchor
                          component={Link}
                          to={`?edit=${encodeURIComponent(one.segment)}`}
                          size="sm"
                          fw={560}
                          truncate
                          display="block"
                        >
                          {one.segment}
                        </Anchor>
                        <Text size="xs" className="quiet" truncate title={said}>
                          {said}
                        </Text>
                      </>
                    );
                  },
                },
                {
                  name: "Used by",
                  width: "minmax(150px, 1.2fr)",
                  phone: "minmax(0, 0.7fr)",
                  cell: (one) => {
                    const users = [...new Set(one.used_by.map(({ flag }) => flag))].join(", ");
                    return users === "" ? (
                      <span className="quiet">no flag</span>
                    ) : (
                      <Text size="sm" truncate title={users}>
                        {users}
                      </Text>
                    );
                  },
                },
                {
                  name: "Set by",
                  width: "minmax(150px, 0.9fr)",
                  cell: (one) => (
                    <Text size="sm" truncate>
                      <PersonName account={one.stamp.by} />, {dayOf(one.stamp.at)}
                    </Text>
                  ),
                },
                {
                  name: "",
                  width: "90px",
                  phone: "72px",
                  cell: (one) => (
                    <CommandButton command="archive_segment" with={{ segment: one.segment }} size="compact-xs" />
                  ),
                },
              ]}
            />
          )
        }
      </Asked>
      <Cut of={segments} what="segments" />
      {edited !== null && asked.data && (
        <Editor
          key={edited}
          one={asked.data.find(({ segment }) => segment === edited)}
          known={asked.data.map(({ segment }) => segment)}
          onClose={() => setQuery({}, { replace: true })}
        />
      )}
    </>
  );
}

function words(holds: Segment): string {
  const parts = [
    countOf(holds.members) > 0 ? `${of(countOf(holds.members), "named unit")}` : "",
    ...(holds.rules ?? []).map((rule) => rule.map(conditionWords).join(" and ")),
  ].filter(Boolean);
  const out = countOf(holds.excluded) > 0 ? `, without ${of(countOf(holds.excluded), "unit")}` : "";
  return parts.length === 0 ? "nobody" : `${parts.join("; or ")}${out}`;
}

function Editor({ one, known, onClose }: { one: View | undefined; known: readonly string[]; onClose: () => void }) {
  const [name, setName] = useState(one?.segment ?? "");
  const [description, setDescription] = useState(one?.description ?? "");
  const [holds, setHolds] = useState<Segment>(one?.holds ?? {});
  const give = useGive({ onDone: onClose });
  const rules = holds.rules ?? [];
  return (
    <FormDialog
      title={one ? `Segment ${one.segment}` : "Add a segment"}
      size="lg"
      onClose={onClose}
      submit="Save"
      onSubmit={() =>
        give.mutate({
          command: "set_segment",
          with: { segment: name, holds, ...(description === "" ? {} : { description }) },
        })
      }
      error={give.error}
      isPending={give.isPending}
      isReady={name !== ""}
    >
      {!one && (
        <TextInput
          label="Name"
          placeholder="beta-customers"
          value={name}
          onChange={(event) => setName(event.currentTarget.value.trim())}
          data-autofocus
        />
      )}
      <TextInput
        label="What it is for"
        placeholder="optional"
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      <UnitsInput
        label="Units that are in"
        description="One by one"
        value={holds.members}
        onChange={(members) => setHolds((before) => ({ ...before, members }))}
      />
      {rules.map((rule, at) => (
        <fieldset key={at} style={{ border: "1px solid var(--line)", borderRadius: 9, margin: 0, minWidth: 0 }}>
          <legend style={{ fontSize: "0.8rem", padding: "0 6px" }}>Or whoever has all of</legend>
          <Conditions
            label={`rule ${at + 1}`}
            value={rule}
            segments={known.filter((other) => other !== name)}
            onChange={(changed) =>
              setHolds((before) => ({
                ...before,
                rules: replaced(rules, at, changed),
              }))
            }
          />
        </fieldset>
      ))}
      <Button
        size="xs"
        leftSection={<IconPlus size={14} />}
        style={{ alignSelf: "start" }}
        onClick={() =>
          setHolds((before) => ({ ...before, rules: [...rules, [{ attribute: "", is: "one_of", values: [] }]] }))
        }
      >
        Add a rule
      </Button>
      <UnitsInput
        label="Units that are out"
        description="Whatever else says that they are in"
        value={holds.excluded}
        onChange={(excluded) => setHolds((before) => ({ ...before, excluded }))}
      />
    </FormDialog>
  );
}
