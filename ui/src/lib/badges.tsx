// Stage and verdict as a word in its colour, and a date that something was promised by.
import { Badge, Text } from "@mantine/core";
import { day, of } from "./number.ts";
import { stageColor, stageName, verdictColor, verdictName } from "./words.ts";

export function StageBadge({ stage }: { stage: string }) {
  return <Badge color={stageColor(stage)}>{stageName(stage)}</Badge>;
}

export function VerdictBadge({ verdict, nuance }: { verdict: string; nuance?: string | null }) {
  return <Badge color={verdictColor(verdict)}>{verdictName(verdict, nuance)}</Badge>;
}

/** A promised date; late ones say by how much. */
export function Deadline({ due, lateByDays, overdue }: { due: string; lateByDays?: number; overdue?: boolean }) {
  return (
    <Text span size="sm" c={overdue ? "var(--loss)" : "var(--ink-2)"} className="num">
      promised by {day(due)}
      {overdue && (lateByDays ?? 0) > 0 && `, ${of(lateByDays ?? 0, "working day")} late`}
    </Text>
  );
}
