// What shows that an item of an owner process is done: links, texts and files, and the way to add one. Files are saved, never opened as pages.
import { Anchor, Button, FileInput, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import type { ChecklistItem, Choice } from "../../api/model.ts";
import { choiceOf, CommandButton } from "../../lib/command/CommandButton.tsx";
import { FormDialog } from "../../lib/FormDialog.tsx";
import { decimal } from "../../lib/number.ts";
import { By } from "./By.tsx";

/** What the server takes of a file. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** The item of a codebase's owner process in a case. */
export interface Place {
  case: string;
  codebase: string;
  item: string;
}

export function EvidenceList({ id, item }: { id: string; item: ChecklistItem }) {
  return item.evidence.map(({ evidence, attachment, stamp }) => (
    <Text size="sm" key={`${stamp.at} ${evidence} ${attachment?.blob ?? ""}`}>
      {attachment ? (
        <Anchor
          size="sm"
          href={`/api/v1/cases/${encodeURIComponent(id)}/attachments/${encodeURIComponent(attachment.blob)}`}
          download={attachment.file}
        >
          {attachment.file}
        </Anchor>
      ) : isLink(evidence) ? (
        <Anchor size="sm" href={evidence} target="_blank" rel="noreferrer">
          {evidence}
        </Anchor>
      ) : (
        evidence
      )}
      {attachment && evidence !== "" && `: ${evidence}`} <By stamp={stamp} />
    </Text>
  ));
}

export function AddEvidence({ place, choices }: { place: Place; choices: readonly Choice[] }) {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <>
      <CommandButton command="attach_evidence" with={{ ...place }} choices={choices} size="compact-xs" />
      {choiceOf(choices, "attach_evidence")?.allowed === true && (
        <Button size="compact-xs" onClick={dialog.open}>
          Attach a file
        </Button>
      )}
      {isOpen && <AttachFile place={place} onClose={dialog.close} />}
    </>
  );
}

function AttachFile({ place, onClose }: { place: Place; onClose: () => void }) {
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [evidence, setEvidence] = useState("");
  const isLarge = file !== null && file.size > FILE_BYTES_MAX;
  const attach = useMutation({
    mutationFn: async (chosen: File) => {
      const { case: id, codebase, item } = place;
      return unwrap(
        client.POST("/api/v1/cases/{case}/attachments", {
          params: { path: { case: id }, query: { codebase, item, file: chosen.name, evidence } },
          headers: { "Content-Type": chosen.type || "application/octet-stream" },
          // A file is sent as its bytes, not as JSON.
          body: [],
          bodySerializer: () => chosen,
        }),
      );
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["case", place.case] });
      onClose();
    },
  });
  return (
    <FormDialog
      title="Attach a file"
      onClose={onClose}
      submit="Attach"
      onSubmit={() => file !== null && attach.mutate(file)}
      error={attach.error}
      isPending={attach.isPending}
      isReady={file !== null && !isLarge}
    >
      <FileInput
        label="File"
        placeholder="choose a file"
        description={`At most ${decimal(FILE_BYTES_MAX / 1024 / 1024, 0)} MiB. It is kept beside the journal, and can be erased.`}
        value={file}
        onChange={setFile}
        error={isLarge ? `This one has ${decimal(file.size / 1024 / 1024)} MiB.` : undefined}
        data-autofocus
      />
      <TextInput
        label="What it shows"
        placeholder="optional"
        value={evidence}
        onChange={(event) => setEvidence(event.currentTarget.value)}
      />
    </FormDialog>
  );
}

function isLink(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text);
}
