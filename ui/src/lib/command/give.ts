// Giving a command: sent once however often it is clicked, followed by a refresh of what it may have changed, and by a way back where there is one.
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { client, unwrap } from "../../api/client.ts";
import type { paths } from "../../api/schema";
import type { Done } from "../../api/model.ts";
import { lineOf } from "../../api/problem.ts";
import { verbOf } from "./forms.ts";
import { type Given, undoOf } from "./undo.ts";
import { UndoButton } from "./UndoButton.tsx";
import { createElement } from "react";

/** One command, as one request. */
export async function send({ command, with: argumentsOf }: Given, key: string): Promise<Done> {
  return unwrap(
    client.POST("/api/v1/commands", {
      params: { header: { "Idempotency-Key": key } },
      // The dialogs are made from a table, so the server checks the arguments; it names the field at fault.
      body: {
        do: command,
        with: argumentsOf,
      } as paths["/api/v1/commands"]["post"]["requestBody"]["content"]["application/json"],
    }),
  );
}

export function useGive(options: { onDone?: () => void } = {}) {
  const queries = useQueryClient();
  // One key for one intention: a second click, or a retry after a lost answer, has the first one's effect. A change of the arguments is another.
  const key = useRef<{ of: string; key: string } | null>(null);
  return useMutation({
    mutationFn: (given: Given) => {
      const of = JSON.stringify(given);
      if (key.current?.of !== of) key.current = { of, key: crypto.randomUUID() };
      return send(given, key.current.key);
    },
    onSuccess: (done, given) => {
      key.current = null;
      void queries.invalidateQueries();
      options.onDone?.();
      const undo = undoOf(given, done);
      notifications.show({
        color: "gain",
        title: `${verbOf(given.command, given.with.kind as string | undefined)}: done`,
        message:
          undo === undefined
            ? done.entries.length === 0
              ? "It was so already: nothing changed."
              : "It is in the journal. A correction is a new entry."
            : createElement(UndoButton, { undo }),
        autoClose: undo === undefined ? 4_000 : 12_000,
      });
    },
  });
}

/** Gives a command at once and says how it went: for undo, and for steps that ask nothing. */
export function useGiveQuietly() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (given: Given) => send(given, crypto.randomUUID()),
    onSuccess: () => {
      void queries.invalidateQueries();
      notifications.show({ color: "gain", message: "Taken back: the journal has both entries." });
    },
    onError: (error) => notifications.show({ color: "loss", title: "Refused", message: lineOf(error) }),
  });
}
