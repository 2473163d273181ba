// The portfolio: what was won against what was delivered, and every case by stage or as a table. Filter and order stand in the address.
import classes from "./Portfolio.module.css";
import { Anchor, Button, Group, SegmentedControl, Select, Text, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Summary } from "../../api/model.ts";
import { cases, isPart, portfolio } from "../../api/queries.ts";
import { useAddress } from "../../lib/address.ts";
import { StageBadge, VerdictBadge } from "../../lib/badges.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { dayOf, decimal, differenceUnit, effect, moneyShort, months, of, percent } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section, Waiting } from "../../lib/Page.tsx";
import { said } from "../../lib/said.ts";
import { STAGES, stageName } from "../../lib/words.ts";
import { Rows } from "../../lib/Rows.tsx";
import { SavedViews } from "./SavedViews.tsx";

/** What the figures count, as a filter: the list of theirs that it keeps to, and what it is called. */
const ONLY = {
  late: { list: "late", says: "Only what is late" },
  overdue: { list: "flags_overdue", says: "Only overdue flags" },
  ending: { list: "warranties_ending", says: "Only ending warranties" },
  held: { list: "held", says: "Only what is held at 0" },
} as const;
type OnlyName = keyof typeof ONLY;

const onlyIn = (query: URLSearchParams): OnlyName | null => {
  const only = query.get("only");
  return only !== null && Object.hasOwn(ONLY, only) ? (only as OnlyName) : null;
};

export default function Portfolio() {
  const asked = useQuery(cases);
  const isGrowing = useQuery(isPart(cases)).data === true;
  const [query, set] = useAddress();
  const view = query.get("view") ?? "board";
  const only = onlyIn(query);
  const totals = useQuery({ ...portfolio, enabled: only !== null });
  return (
    <>
      <PageHeader title="Portfolio" says="Every case, from won to delivered." />
      <Totals />
      <Group mb="md" gap="sm" align="end" className="no-print">
        <SegmentedControl
          aria-label="View"
          value={view}
          onChange={(value) => set("view", value)}
          data={[
            { value: "board", label: "Board" },
            { value: "table", label: "Table" },
          ]}
        />
        <TextInput
          aria-label="Filter cases"
          placeholder="Filter by name, team or flag"
          value={query.get("find") ?? ""}
          onChange={(event) => set("find", event.currentTarget.value)}
          w={240}
        />
        <Select
          aria-label="Stage"
          placeholder="Every stage"
          clearable
          data={STAGES.map((stage) => ({ value: stage, label: stageName(stage) }))}
          value={query.get("stage")}
          onChange={(value) => set("stage", value)}
          w={170}
        />
        <Select
          aria-label="Order"
          data={[
            { value: "since", label: "Longest in its stage" },
            { value: "benefit", label: "Largest benefit" },
            { value: "name", label: "By name" },
          ]}
          value={query.get("order") ?? "since"}
          onChange={(value) => set("order", value)}
          allowDeselect={false}
          w={190}
        />
        <SavedViews />
        {only !== null && (
          <Button
            variant="light"
            rightSection={<IconX size={15} aria-hidden />}
            onClick={() => set("only", null)}
            aria-label={`${ONLY[only].says}: show all again`}
          >
            {ONLY[only].says}
          </Button>
        )}
      </Group>
      <Asked of={asked} lines={8}>
        {(all) => {
          if (only !== null && totals.data === undefined) {
            // That the figures could not be read is said where they stand.
            return totals.isError ? null : <Waiting lines={8} />;
          }
          const kept = only === null ? null : new Set<string>(totals.data?.[ONLY[only].list] ?? []);
          const shown = sorted(
            all.filter((one) => kept?.has(one.id) !== false && fits(one, query)),
            query.get("order") ?? "since",
          );
          if (all.length === 0)
            return (
              <Section>
                <EmptyState title="No case yet">
                  Take an experiment in that won, then open a case for it: the{" "}
                  <Anchor component={Link} to="/start">
                    first steps
                  </Anchor>{" "}
                  lead there.
                </EmptyState>
              </Section>
            );
          if (shown.length === 0 && isGrowing) return <Waiting lines={8} />;
          if (shown.length === 0)
            return (
              <Section>
                <EmptyState title="No case fits this filter" />
              </Section>
            );
          return view === "table" ? <Table rows={shown} /> : <Board rows={shown} isGrowing={isGrowing} />;
        }}
      </Asked>
      <Cut of={cases} what="cases" />
    </>
  );
}

function Totals() {
  const asked = useQuery(portfolio);
  return (
    <Section>
      <Asked of={asked} lines={2}>
        {(all) => (
          <>
            <Figures>
              <Figure label="Won" note="expected gain a year of kept cases">
                {moneyShort(all.won_per_year ?? 0, all.currency)}
              </Figure>
              <Figure
                label="Delivered"
                note={
                  all.realised_share === null || all.realised_share === undefined
                    ? "nothing measured yet"
                    : `${percent(all.realised_share)} of what was won`
                }
                tone="gain"
              >
                {moneyShort(all.delivered_per_year ?? 0, all.currency)}
              </Figure>
              <Figure label="Paid back after" note={`${of(all.paid_back ?? 0, "case")} paid back`}>
                {all.payback_months === null || all.payback_months === undefined ? "not yet" : months(all.payback_months)}
              </Figure>
              <Figure label="Days to tenure" note="median, from opening to kept">
                {all.tenure?.median_days ?? "none kept yet"}
              </Figure>
              <Figure label="Parked value" note="a year, waiting for a cheaper way">
                {moneyShort(all.parked_per_year ?? 0, all.currency)}
              </Figure>
              <Figure
                label="Late"
                tone={all.late?.length > 0 ? "late" : undefined}
                note={
                  <>
                    <Only which="overdue">{of(all.flags_overdue?.length ?? 0, "flag")} overdue</Only>,{" "}
                    <Only which="ending">{of(all.warranties_ending?.length ?? 0, "warranty", "warranties")} ending</Only>,{" "}
                    <Only which="held">{of(all.held?.length ?? 0, "case")} held at 0</Only>
                  </>
                }
              >
                <Only which="late">{of(all.late?.length ?? 0, "case")}</Only>
              </Figure>
            </Figures>
            {Object.entries(all.other_currencies ?? {}).map(([currency, money]) => (
              <Text key={currency} size="sm" mt="sm" className="quiet num">
                Besides, in {currency}: won {moneyShort(money.won_per_year)} a year, delivered{" "}
                {moneyShort(money.delivered_per_year)}, parked {moneyShort(money.parked_per_year)}.
              </Text>
            ))}
          </>
        )}
      </Asked>
    </Section>
  );
}

/** A count that leads to what it counts. */
function Only({ which, children }: { which: OnlyName; children: ReactNode }) {
  return (
    <Anchor component={Link} to={`?view=table&only=${which}`} inherit c="inherit">
      {children}
    </Anchor>
  );
}

function fits(one: Summary, query: URLSearchParams): boolean {
  const stage = query.get("stage");
  if (stage !== null && one.stage !== stage) return false;
  const words = (query.get("find") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${one.id} ${one.title ?? ""} ${one.team} ${one.flag ?? ""} ${one.experiment}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function sorted(rows: Summary[], order: string): Summary[] {
  const name = (one: Summary) => one.title ?? one.id;
  const by: Record<string, (a: Summary, b: Summary) => number> = {
    since: (a, b) => a.stage_since.localeCompare(b.stage_since),
    benefit: (a, b) => (b.promise?.benefit_per_year ?? 0) - (a.promise?.benefit_per_year ?? 0),
    name: (a, b) => name(a).localeCompare(name(b)),
  };
  return [...rows].sort(by[order] ?? by.since);
}

/** The most cards of a column; the table has all. */
const CARDS_MAX = 40;

/** The same filter as a table, of one stage. */
function inTable(query: URLSearchParams, stage: string): string {
  const next = new URLSearchParams(query);
  next.set("view", "table");
  next.set("stage", stage);
  return `?${next.toString()}`;
}

function Board({ rows, isGrowing }: { rows: Summary[]; isGrowing: boolean }) {
  const [query] = useAddress();
  const columns = STAGES.map((stage) => ({ stage, inside: rows.filter((one) => one.stage === stage) })).filter(
    ({ inside }) => inside.length > 0,
  );
  return (
    <div className={classes.board} tabIndex={0} role="region" aria-label="Cases by stage">
      {columns.map(({ stage, inside }) => (
        <section key={stage} className={classes.column} aria-label={stageName(stage)}>
          <h2>
            {stageName(stage)} {!isGrowing && <span className="num">{inside.length}</span>}
          </h2>
          {inside.slice(0, CARDS_MAX).map((one) => (
            <Card key={one.id} one={one} />
          ))}
          {inside.length > CARDS_MAX && !isGrowing && (
            <Anchor component={Link} to={inTable(query, stage)} size="sm">
              {inside.length - CARDS_MAX} more in the table
            </Anchor>
          )}
        </section>
      ))}
    </div>
  );
}

function Card({ one }: { one: Summary }) {
  return (
    <Link to={`/cases/${one.id}`} className={classes.card} data-overdue={one.blocker?.overdue || undefined}>
      <strong>{one.title ?? one.id}</strong>
      <span className="quiet">
        {one.title === null || one.title === undefined ? one.team : one.id}
        {one.exposure_percent > 0 && ` · ${decimal(one.exposure_percent)} % exposed`}
      </span>
      {(one.promise?.absolute || one.delivery?.absolute) && (
        <span className={`${classes.numbers} num`}>
          <span>won {one.promise?.absolute ? effect(one.promise.absolute.estimate, unitOf(one)) : "unknown"}</span>
          {one.delivery?.absolute && <span>delivered {effect(one.delivery.absolute.estimate, unitOf(one))}</span>}
        </span>
      )}
      {one.verdict && one.verdict !== "immature" && (
        <span>
          <VerdictBadge verdict={one.verdict} nuance={one.delivery?.nuance} />
        </span>
      )}
      {one.blocker && <span className={classes.next}>{said(one.blocker.what)}</span>}
    </Link>
  );
}

function unitOf(one: Summary) {
  return differenceUnit(one.metric_kind ?? undefined);
}

function Table({ rows }: { rows: Summary[] }) {
  return (
    <Rows
      label="Cases"
      rows={rows}
      rowKey={(one) => one.id}
      columns={[
        {
          name: "Case",
          width: "minmax(220px, 2.2fr)",
          phone: "minmax(0, 1fr)",
          cell: (one) => (
            <>
              <Anchor component={Link} to={`/cases/${one.id}`} size="sm" fw={560} truncate display="block">
                {one.title ?? one.id}
              </Anchor>
              <Text size="xs" className="quiet" truncate>
                {one.id} · {one.team}
              </Text>
            </>
          ),
        },
        { name: "Stage", width: "140px", phone: "118px", cell: (one) => <StageBadge stage={one.stage} /> },
        { name: "Since", width: "110px", cell: (one) => dayOf(one.stage_since) },
        {
          name: "Won",
          width: "100px",
          cell: (one) => (one.promise?.absolute ? effect(one.promise.absolute.estimate, unitOf(one)) : ""),
        },
        {
          name: "Delivered",
          width: "100px",
          cell: (one) => (one.delivery?.absolute ? effect(one.delivery.absolute.estimate, unitOf(one)) : ""),
        },
        {
          name: "Realised",
          width: "86px",
          cell: (one) => (typeof one.delivery?.realised_share === "number" ? percent(one.delivery.realised_share) : ""),
        },
        {
          name: "Next",
          width: "minmax(200px, 2fr)",
          cell: (one) => (
            <Text size="sm" lineClamp={2} c={one.blocker?.overdue ? "var(--loss)" : "inherit"}>
              {said(one.blocker?.what ?? one.until?.what ?? "")}
            </Text>
          ),
        },
      ]}
    />
  );
}
