import { ATTEMPT_CASES } from "./testing/attempt_cases.ts";
import { FakeEffects } from "./testing/fake_effects.ts";
import { CONVERSATION_CASES } from "./testing/conversation_cases.ts";
import { SETTLEMENT_CASES } from "./testing/settlement_cases.ts";

for (
  const [name, show] of Object.entries({
    ...ATTEMPT_CASES,
    ...SETTLEMENT_CASES,
    ...CONVERSATION_CASES,
  })
) {
  Deno.test(name, () => show(() => new FakeEffects()));
}
