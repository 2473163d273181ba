// A step of the process as a button: live, or visible and saying why not. It asks the server's list of choices; it decides nothing.
import { Button, type ButtonProps, Popover } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconLock } from "@tabler/icons-react";
import { lazy, Suspense, useEffect } from "react";
import type { Choice } from "../../api/model.ts";
import { Boundary } from "../Boundary.tsx";
import { formOf, verbOf } from "./forms.ts";
import { RefusalText } from "./RefusalNotice.tsx";

const load = () => import("./CommandDialog.tsx");
const CommandDialog = lazy(load);

let isFetched = false;

/** Fetches the dialog when the page has time, so that it opens at once, and while the server is away. */
function fetchAhead(): void {
  if (isFetched) return;
  isFetched = true;
  // A browser without idle time to give waits a moment.
  const later = window.requestIdleCallback ?? ((work: () => void) => setTimeout(work, 1_000));
  later(() => void load().catch(() => (isFetched = false)));
}

export interface CommandButtonProps {
  command: string;
  kind?: string | null;
  /** Arguments that are known already. */
  with?: Record<string, unknown>;
  /** What its fields hold at first. */
  initial?: Record<string, unknown>;
  /** What the server says may be done; without it the button is live and the server answers when it is used. */
  choices?: readonly Choice[];
  label?: string;
  size?: ButtonProps["size"];
  primary?: boolean;
  /** Shown only where it is allowed: for steps that are seldom taken. */
  unlessRefused?: boolean;
  fullWidth?: boolean;
}

/** What the server says about a command. */
export function choiceOf(
  choices: readonly Choice[] | undefined,
  command: string,
  kind?: string | null,
): Choice | undefined {
  return (
    choices?.find((one) => one.command === command && (kind === undefined || kind === null || one.kind === kind)) ??
    choices?.find((one) => one.command === command && one.allowed)
  );
}

export function CommandButton({
  command,
  kind,
  with: known = {},
  initial = {},
  choices,
  label,
  size,
  primary,
  fullWidth,
  unlessRefused,
}: CommandButtonProps) {
  const [isOpen, dialog] = useDisclosure(false);
  const [isExplained, explained] = useDisclosure(false);
  useEffect(fetchAhead, []);
  const choice = choiceOf(choices, command, kind);
  const text = label ?? verbOf(command, kind);
  const look = { size: size ?? "sm", fullWidth: fullWidth ?? false } as const;

  if (unlessRefused === true && choice?.allowed !== true) return null;
  if (choice !== undefined && !choice.allowed) {
    const why = choice.refusal;
    return (
      <Popover
        opened={isExplained}
        onChange={(open) => (open ? explained.open() : explained.close())}
        width={340}
        shadow="md"
        withArrow
        position="bottom-start"
      >
        <Popover.Target>
          <Button
            {...look}
            variant="default"
            aria-disabled
            data-refused
            leftSection={<IconLock size={14} aria-hidden />}
            onClick={explained.toggle}
            onKeyDown={({ key }) => key === "Escape" && explained.close()}
            style={{ opacity: 0.75 }}
          >
            {text}
          </Button>
        </Popover.Target>
        <Popover.Dropdown role="status">
          {why ? <RefusalText refusal={why} /> : "This would change nothing now."}
        </Popover.Dropdown>
      </Popover>
    );
  }
  const form = formOf(command);
  return (
    <>
      <Button
        {...look}
        variant={form.danger === true ? "light" : primary === true ? "filled" : "default"}
        {...(form.danger === true ? { color: "loss" } : {})}
        onClick={dialog.open}
      >
        {text}
      </Button>
      {isOpen && (
        <Boundary>
          <Suspense>
            <CommandDialog
              command={command}
              known={kind ? { ...known, kind } : known}
              initial={initial}
              onClose={dialog.close}
            />
          </Suspense>
        </Boundary>
      )}
    </>
  );
}
