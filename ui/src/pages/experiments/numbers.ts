// The numbers of an experiment as the form holds them, and the summary document they make. What is missing is left out: the server names it.
import { idFrom } from "../../lib/command/forms.ts";

export interface ArmNumbers {
  n?: number | undefined;
  successes?: number | undefined;
  mean?: number | undefined;
  sd?: number | undefined;
}

export interface Numbers {
  experiment: string;
  title: string;
  team: string | null;
  ended: string;
  metric: string;
  kind: "proportion" | "mean";
  direction: "increase" | "decrease";
  we_believe: string;
  will_result_in: string;
  because: string;
  surface: string;
  source: string;
  control: ArmNumbers;
  treatment: ArmNumbers;
}

export const EMPTY: Numbers = {
  experiment: "",
  title: "",
  team: null,
  ended: "",
  metric: "",
  kind: "proportion",
  direction: "increase",
  we_believe: "",
  will_result_in: "",
  because: "",
  surface: "",
  source: "",
  control: {},
  treatment: {},
};

export function documentOf(given: Numbers): Record<string, unknown> {
  const {
    experiment,
    title,
    team,
    ended,
    metric,
    kind,
    direction,
    we_believe,
    will_result_in,
    because,
    surface,
    source,
  } = given;
  const arm = ({ n, successes, mean, sd }: ArmNumbers) => (kind === "mean" ? { n, mean, sd } : { n, successes });
  const hasHypothesis = [we_believe, will_result_in, because].some((part) => part.trim() !== "");
  const whole = {
    experiment: experiment.trim() || (title.trim() === "" ? undefined : idFrom("EXP", title)),
    title: title.trim(),
    team,
    ended,
    surface: surface.trim(),
    source: source.trim(),
    ...(hasHypothesis ? { hypothesis: { we_believe, will_result_in, because } } : {}),
    metric: { ...(metric.trim() === "" ? {} : { name: metric.trim() }), kind, direction },
    control: arm(given.control),
    treatment: arm(given.treatment),
  };
  return Object.fromEntries(
    Object.entries(whole).filter(([, value]) => value !== undefined && value !== null && value !== ""),
  );
}
