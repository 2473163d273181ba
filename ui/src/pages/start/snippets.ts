// Code that asks for a flag through OpenFeature, by language. The token never stands in it: it comes from the environment.

export const LANGUAGES = [
  { name: "JavaScript" },
  { name: "Python" },
  { name: "Go" },
  { name: "Java" },
  { name: "Rust" },
  { name: "curl" },
] as const;
export type Language = (typeof LANGUAGES)[number]["name"];

export interface Part {
  name: string;
  text: string;
}

export function snippet(language: Language, { url, flag }: { url: string; flag: string }): Part[] {
  const outcome: Part = {
    name: "Send what a customer does",
    text: `curl ${url}/api/v1/events -H "Authorization: Bearer $TENURE_TOKEN" -H 'Content-Type: application/json' \\
  -d '[{"type": "outcome", "unit": {"user": "user-42"}, "event": "purchase", "value": 34.90}]'`,
  };
  return [...ASKING[language](url, flag), outcome];
}

const ASKING: Readonly<Record<Language, (url: string, flag: string) => Part[]>> = {
  JavaScript: (url, flag) => [
    { name: "Install", text: "npm install @openfeature/server-sdk @openfeature/ofrep-provider" },
    {
      name: "Ask",
      text: `import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPProvider } from "@openfeature/ofrep-provider";

await OpenFeature.setProviderAndWait(new OFREPProvider({
  baseUrl: "${url}",
  headers: [["Authorization", \`Bearer \${process.env.TENURE_TOKEN}\`]],
}));
const flags = OpenFeature.getClient();
const shown = await flags.getBooleanValue("${flag}", false, { targetingKey: user.id });`,
    },
  ],
  Python: (url, flag) => [
    { name: "Install", text: "pip install openfeature-sdk openfeature-provider-ofrep" },
    {
      name: "Ask",
      text: `import os
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

token = os.environ["TENURE_TOKEN"]
api.set_provider(OFREPProvider(
    base_url="${url}",
    headers_factory=lambda: {"Authorization": f"Bearer {token}"},
))
shown = api.get_client().get_boolean_value("${flag}", False, EvaluationContext(targeting_key=user.id))`,
    },
  ],
  Go: (url, flag) => [
    {
      name: "Install",
      text: "go get github.com/open-feature/go-sdk github.com/open-feature/go-sdk-contrib/providers/ofrep",
    },
    {
      name: "Ask",
      text: `provider := ofrep.NewProvider("${url}", ofrep.WithBearerToken(os.Getenv("TENURE_TOKEN")))
if err := openfeature.SetProviderAndWait(provider); err != nil {
	log.Fatal(err)
}
flags := openfeature.NewClient("shop")
shown, err := flags.BooleanValue(ctx, "${flag}", false, openfeature.NewEvaluationContext(user.ID, nil))`,
    },
  ],
  Java: (url, flag) => [
    { name: "Depend on", text: "dev.openfeature:sdk and dev.openfeature.contrib.providers:ofrep" },
    {
      name: "Ask",
      text: `var options = OfrepProviderOptions.builder()
    .baseUrl("${url}")
    .headers(ImmutableMap.of("Authorization", ImmutableList.of("Bearer " + System.getenv("TENURE_TOKEN"))))
    .build();
OpenFeatureAPI.getInstance().setProviderAndWait(OfrepProvider.constructProvider(options));
Client flags = OpenFeatureAPI.getInstance().getClient();
boolean shown = flags.getBooleanValue("${flag}", false, new ImmutableContext(user.id()));`,
    },
  ],
  Rust: (url, flag) => [
    { name: "Install", text: "cargo add open-feature open-feature-ofrep reqwest" },
    {
      name: "Ask",
      text: `let mut headers = HeaderMap::new();
headers.insert("authorization", format!("Bearer {}", std::env::var("TENURE_TOKEN")?).parse()?);
let flags = OfrepProvider::new(OfrepOptions {
    base_url: "${url}".to_owned(),
    headers,
    ..Default::default()
})
.await?;
let context = EvaluationContext::default().with_targeting_key(&user.id);
let shown = flags.resolve_bool_value("${flag}", &context).await.is_ok_and(|answer| answer.value);`,
    },
  ],
  curl: (url, flag) => [
    {
      name: "Ask",
      text: `curl ${url}/ofrep/v1/evaluate/flags/${flag} -H "Authorization: Bearer $TENURE_TOKEN" -H 'Content-Type: application/json' \\
  -d '{"context": {"targetingKey": "user-42"}}'`,
    },
  ],
};
