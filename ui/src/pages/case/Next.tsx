// What blocks a case, or goes on, or is waited for, in a line with the step that ends it.
import { Alert, Group, Text } from "@mantine/core";
import { Deadline } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { TENURE, Who } from "../../lib/names.tsx";
import { day, dayOf, of } from "../../lib/number.ts";
import type { CaseFile } from "../../api/model.ts";
import { said } from "../../lib/said.ts";

export function Next({ file }: { file: CaseFile }) {
  const wait = file.waits?.[0];
  const isOwn = wait?.who.every(({ seat }) => seat === TENURE) === true;
  if (wait === undefined && !file.until && !file.hold) return null;
  return (
    <>
      {file.hold && (
        <Alert color="loss" title="Exposure is held at 0" mb="md">
          Every customer gets the old behaviour since {dayOf(file.hold.since.at)}.{" "}
          <CommandButton command="release_hold" with={{ case: file.id }} choices={file.choices} size="xs" />
        </Alert>
      )}
      {file.warnings.map((warning) => (
        <Alert key={warning} color="late" mb="md">
          {warning}
        </Alert>
      ))}
      {wait !== undefined ? (
        <Alert color={wait.overdue ? "loss" : "iris"} mb="lg" title={isOwn ? "What goes on" : "What blocks"}>
          <Group justify="space-between" gap="md">
            <Text size="sm" maw={760}>
              <b>
                <Who who={wait.who} />
              </b>{" "}
              to {said(wait.what)}, since {dayOf(wait.since)}
              {wait.due && (
                <>
                  , <Deadline due={wait.due} overdue={wait.overdue} lateByDays={wait.late_by_days} />
                </>
              )}
            </Text>
            {!isOwn && <CommandButton command={wait.command} with={wait.with} choices={file.choices} primary />}
          </Group>
          {file.waits.length > 1 && (
            <Text size="sm" mt={6} className="quiet">
              {of(file.waits.length - 1, "more step")} can be done at the same time:{" "}
              {file.waits
                .slice(1, 4)
                .map((one) => said(one.what))
                .join("; ")}
              .
            </Text>
          )}
        </Alert>
      ) : file.until ? (
        <Alert color="gray" mb="lg" title="Only time has to pass">
          {said(file.until.what)}
          {file.until.until && ` until ${day(file.until.until)}`}.
        </Alert>
      ) : null}
    </>
  );
}
