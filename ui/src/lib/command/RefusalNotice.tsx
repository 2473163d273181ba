// A "no" of the process, whole: why, who may, what is missing. Never shown as an error.
import { Alert, List, Stack, Text } from "@mantine/core";
import { IconHandStop } from "@tabler/icons-react";
import type { Refusal } from "../../api/model.ts";
import { lineOf, Problem } from "../../api/problem.ts";
import { Who } from "../names.tsx";
import { said, sentence } from "../said.ts";

export function RefusalText({ refusal }: { refusal: Refusal }) {
  const who = refusal.who_may ?? [];
  const missing = refusal.missing ?? [];
  return (
    <Stack gap={6}>
      <Text size="sm">{sentence(refusal.sentence)}</Text>
      {missing.length > 0 && (
        <div>
          <Text size="xs" className="quiet">
            What comes first
          </Text>
          <List size="sm" spacing={2}>
            {missing.map((one) => (
              <List.Item key={one}>{said(withoutCode(one))}</List.Item>
            ))}
          </List>
        </div>
      )}
      {who.length > 0 && (
        <Text size="sm">
          <span className="quiet">Who may: </span>
          <Who who={who} />
        </Text>
      )}
      <Text size="xs" className="quiet mono">
        {refusal.code}
      </Text>
    </Stack>
  );
}

/** What went wrong with a command: the process refused, or the request failed. */
export function CommandFailure({ error }: { error: unknown }) {
  const refusal = error instanceof Problem ? error.refusal : null;
  return (
    <Alert
      color={refusal === null ? "loss" : "late"}
      variant="light"
      icon={<IconHandStop />}
      title={refusal === null ? "This failed" : "The process refuses this"}
      role="alert"
    >
      {refusal === null ? <Text size="sm">{said(lineOf(error))}</Text> : <RefusalText refusal={refusal} />}
    </Alert>
  );
}

/** `confirm_removed: take the flag out` without the command's name. */
function withoutCode(text: string): string {
  return text.replace(/^[a-z_]+: /, "");
}
