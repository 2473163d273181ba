// How a flag stands in an environment, as a word.
import { Badge } from "@mantine/core";
import type { FlagStanding } from "../../api/model.ts";
import { decimal } from "../../lib/number.ts";

export function Answers({ standing }: { standing: FlagStanding }) {
  if (standing.state === "faulty") return <Badge color="loss">faulty</Badge>;
  if (standing.state === "disabled") return <Badge color="gray">off</Badge>;
  if (typeof standing.exposure_percent === "number")
    return (
      <Badge color={standing.exposure_percent > 0 ? "gain" : "gray"}>{decimal(standing.exposure_percent, 1)} %</Badge>
    );
  return <Badge color="gain">{standing.targeted ? "on, by rules" : "on"}</Badge>;
}
