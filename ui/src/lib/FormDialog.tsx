// A form in a dialog: what it asks, why it was refused, and the step that is taken or left. What was typed stays until it is done.
import { Button, Group, Modal, type ModalProps, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { CommandFailure } from "./command/RefusalNotice.tsx";

export interface FormDialogProps {
  title: ReactNode;
  onClose: () => void;
  /** What the last button says. */
  submit: string;
  onSubmit: () => void;
  /** Why it did not work the last time. */
  error?: unknown;
  isPending: boolean;
  /** Whether enough was given to try. */
  isReady?: boolean;
  danger?: boolean;
  /** Buttons between leaving and doing. */
  actions?: ReactNode;
  size?: ModalProps["size"];
  children: ReactNode;
}

export function FormDialog({
  title,
  onClose,
  submit,
  onSubmit,
  error = null,
  isPending,
  isReady = true,
  danger = false,
  actions,
  size = "md",
  children,
}: FormDialogProps) {
  return (
    <Dialog title={title} onClose={onClose} size={size}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) onSubmit();
        }}
      >
        <Stack gap="md">
          {children}
          {error !== null && <CommandFailure error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button onClick={onClose}>Cancel</Button>
            {actions}
            <Button
              type="submit"
              variant="filled"
              loading={isPending}
              disabled={!isReady}
              {...(danger ? { color: "loss" } : {})}
            >
              {submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

/** A dialog with its heading. */
export function Dialog({
  title,
  onClose,
  size = "md",
  children,
}: Pick<FormDialogProps, "title" | "onClose" | "size" | "children">) {
  return (
    <Modal
      opened
      onClose={onClose}
      size={size}
      title={
        <Text fw={620} size="lg">
          {title}
        </Text>
      }
    >
      {children}
    </Modal>
  );
}
