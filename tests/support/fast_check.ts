import fc from "fast-check";

// A run that fails must fail again for the next person. FAST_CHECK_SEED draws other examples.
fc.configureGlobal({ seed: Number(Deno.env.get("FAST_CHECK_SEED") ?? 20_261_121) });

export default fc;
