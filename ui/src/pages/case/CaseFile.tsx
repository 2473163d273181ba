// The case file: one page that a growth lead would print. Promise against delivery, what blocks, and everything recorded, in the order of the process.
import { Button, Group, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import type { CaseFile as File } from "../../api/model.ts";
import { caseFile } from "../../api/queries.ts";
import { StageBadge } from "../../lib/badges.tsx";
import { TeamName } from "../../lib/names.tsx";
import { Asked, PageHeader, Section } from "../../lib/Page.tsx";
import { StageRail } from "../../lib/StageRail.tsx";
import { rail } from "./rail.tsx";
import { Weighing } from "./Weighing.tsx";
import { Building } from "./Building.tsx";
import { Deviations } from "./Deviations.tsx";
import { History } from "./History.tsx";
import { Lineage } from "./Lineage.tsx";
import { Next } from "./Next.tsx";
import { Outcome } from "./Outcome.tsx";
import { Preparation } from "./Preparation.tsx";
import { PromiseAndDelivery } from "./PromiseAndDelivery.tsx";
import { SignOffs } from "./SignOffs.tsx";
import { Warranty } from "./Warranty.tsx";

export default function CaseFile() {
  const { id = "" } = useParams();
  const asked = useQuery(caseFile(id));
  return (
    <Asked of={asked} lines={12}>
      {(file) => <Whole file={file} />}
    </Asked>
  );
}

function Whole({ file }: { file: File }) {
  const name = file.of_experiment?.title ?? file.id;
  return (
    <>
      <PageHeader
        title={name}
        back={{ to: "/portfolio", label: "Portfolio" }}
        says={
          <Group gap="xs">
            <StageBadge stage={file.stage} />
            <span className="mono">{file.id}</span>
            <span>
              of <TeamName team={file.team} />
            </span>
            {file.iteration > 1 && <span>iteration {file.iteration}</span>}
          </Group>
        }
        actions={
          <>
            {file.first_exposed && (
              <Button component={Link} to={`/cases/${file.id}/rollout`}>
                Rollout
              </Button>
            )}
            <Documents id={file.id} />
          </>
        }
      />
      <Next file={file} />
      <PromiseAndDelivery file={file} />
      <Section>
        <StageRail stops={rail(file)} />
      </Section>
      <Preparation file={file} />
      <Weighing file={file} />
      <SignOffs file={file} />
      <Deviations file={file} />
      <Building file={file} />
      <Outcome file={file} />
      <Warranty file={file} />
      <Lineage file={file} />
      <History file={file} />
    </>
  );
}

function Documents({ id }: { id: string }) {
  const to = (document: string) =>
    `/api/v1/cases/${encodeURIComponent(id)}/documents/${document}?zone=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)}`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button>Documents</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={to("dossier")} target="_blank">
          Dossier
        </Menu.Item>
        <Menu.Item component="a" href={to("decision-record")} target="_blank">
          Decision record
        </Menu.Item>
        <Menu.Item component="a" href={to("release-note")} target="_blank">
          Release note
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
