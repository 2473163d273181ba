// What the commands of experiments that are run here ask for.
import { reason, type Forms } from "../form.ts";

export const RUN: Forms = {
  plan_run: {
    verb: "Plan an experiment",
    title: "Plan an experiment that runs here",
    says: "Arms, metric and size are frozen when it starts. Until then its flag gives everybody what control gets.",
    fields: [
      { is: "text", name: "experiment", label: "Name", placeholder: "EXP-SHORTER-CHECKOUT" },
      { is: "text", name: "title", label: "What people call it", optional: true },
      { is: "long", name: "we_believe", label: "We believe that", optional: true },
      { is: "long", name: "will_result_in", label: "will result in", optional: true, when: hasBelief },
      { is: "long", name: "because", label: "because", optional: true, when: hasBelief },
      { is: "team", name: "team", label: "Team" },
      { is: "text", name: "flag", label: "Flag", hint: "A key of its own: the arms are drawn on it until the end." },
      { is: "metric", name: "metric", label: "Metric that decides", hint: "A proportion or a mean." },
      { is: "runArms", name: "arms", label: "Arms", optional: true },
      {
        is: "number",
        name: "coverage_percent",
        label: "Units admitted to an arm, percent",
        min: 0,
        max: 100,
        optional: true,
        hint: "all when left out",
      },
      {
        is: "number",
        name: "level",
        label: "Level expected of control",
        optional: true,
        hint: "A share such as 0.12, or a mean; what its parent or baseline had when left out.",
      },
      {
        is: "number",
        name: "sd",
        label: "Standard deviation of one unit's value",
        min: 0,
        optional: true,
        hint: "for a mean",
      },
      {
        is: "number",
        name: "smallest_lift",
        label: "Smallest change worth finding, percent of control",
        min: 0,
        max: 100,
        optional: true,
        hint: "The size of the plan follows from it.",
      },
      {
        is: "number",
        name: "planned_n",
        label: "Units in control at the planned end",
        min: 1,
        optional: true,
        hint: "when that is known otherwise",
      },
      { is: "number", name: "min_days", label: "Days before a positive verdict", min: 1, optional: true, hint: "7 when left out" },
      {
        is: "number",
        name: "max_days",
        label: "Days after which an open verdict is closed",
        min: 1,
        optional: true,
        hint: "90 when left out",
      },
      {
        is: "number",
        name: "window_hours",
        label: "Hours after first exposure in which outcomes count",
        min: 1,
        optional: true,
        hint: "the metric's when left out",
      },
      { is: "guardrails", name: "guardrails", label: "Guardrails", optional: true },
      { is: "text", name: "environment", label: "Environment", optional: true, placeholder: "production" },
      { is: "text", name: "surface", label: "Product surface", optional: true },
      {
        is: "case",
        name: "baseline",
        label: "Kept case whose level it has to beat",
        optional: true,
      },
    ],
    into: ({ we_believe, will_result_in, because, smallest_lift, ...rest }) => ({
      ...rest,
      ...(we_believe === undefined ? {} : { hypothesis: { we_believe, will_result_in, because } }),
      ...(typeof smallest_lift === "number" ? { smallest_lift: smallest_lift / 100 } : {}),
    }),
  },
  start_run: { verb: "Start", title: "Start the experiment", says: "Admitted units meet their arms at once." },
  stop_run: {
    verb: "Stop",
    title: "Stop the experiment",
    danger: true,
    says: "Everybody gets what control gets, at once. What was judged positive by then is its result; without one it has none.",
    fields: [reason()],
  },
};

/** A belief is told whole, or not at all. */
function hasBelief({ we_believe }: Readonly<Record<string, unknown>>): boolean {
  return typeof we_believe === "string" && we_believe.trim() !== "";
}
