// Planning the rollout, or planning it anew: the dialog begins with the plan in force, and keeps what it does not ask for.
import type { ButtonProps } from "@mantine/core";
import type { CaseFile } from "../../api/model.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";

export function PlanButton({ file, size = "xs" }: { file: CaseFile; size?: ButtonProps["size"] }) {
  const { plan } = file;
  const kept = plan && { environment: plan.environment, unit: plan.unit, holdback: plan.holdback, salt: plan.salt };
  return (
    <CommandButton
      command="set_rollout_plan"
      with={{ case: file.id, ...kept }}
      initial={{ ...plan }}
      choices={file.choices}
      size={size}
    />
  );
}
