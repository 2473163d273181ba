// A step outside the process that cannot be taken back: asked once more, with what it does, before it is done.
import { Button, type ButtonProps, Group, Popover, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";

export function ConfirmButton({
  children,
  asks,
  onConfirm,
  loading,
  size = "xs",
}: {
  /** What the button says, and what the confirmation says again. */
  children: string;
  /** What will happen. */
  asks: ReactNode;
  onConfirm: () => void;
  loading?: boolean;
  size?: ButtonProps["size"];
}) {
  const [isOpen, question] = useDisclosure(false);
  return (
    <Popover
      opened={isOpen}
      onChange={(open) => !open && question.close()}
      width={300}
      withArrow
      shadow="md"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <Button
          size={size}
          color="loss"
          variant="light"
          onClick={question.toggle}
          loading={loading ?? false}
          aria-expanded={isOpen}
        >
          {children}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={`${children}?`}>
        <Text size="sm" mb="sm">
          {asks}
        </Text>
        <Group gap="xs" justify="flex-end">
          <Button size="xs" onClick={question.close}>
            Cancel
          </Button>
          <Button
            size="xs"
            color="loss"
            variant="filled"
            onClick={() => {
              question.close();
              onConfirm();
            }}
          >
            {children}
          </Button>
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}
