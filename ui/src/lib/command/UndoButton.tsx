// Takes back what was just done, by the command the process has for it.
import { Button } from "@mantine/core";
import { useGiveQuietly } from "./give.ts";
import type { Given } from "./undo.ts";

export function UndoButton({ undo }: { undo: Given }) {
  const give = useGiveQuietly();
  return (
    <Button size="xs" mt={4} loading={give.isPending} disabled={give.isSuccess} onClick={() => give.mutate(undo)}>
      Undo
    </Button>
  );
}
