using System.Text.Json;

namespace AsArm.Perf.Load;

/// <summary>
/// Requests of all endpoints, of many lengths, each with a seed of its own. In both draft modes a seed gives the same text whoever shares the forward passes, so that
/// the answer of each is known once it was asked alone.
/// </summary>
internal static class RequestMix
{
    private static readonly string[] s_samplers = ["fused", "assd", "ngram", "sequential", "parallel"];
    private static readonly string[] s_orders = ["left-to-right", "right-to-left", "random"];

    /// <summary>The requests; each number gives the same ones.</summary>
    /// <param name="count">How many.</param>
    /// <param name="length">Tokens of a text at most, gaps included; at least 32.</param>
    public static LoadRequest[] Create(int count, int length) => [.. Enumerable.Range(0, count).Select(number => Create(number, length, new Random(number)))];

    private static LoadRequest Create(int number, int length, Random random)
    {
        int gap = 1 + random.Next(length / 4), unknown = Math.Min(gap, 16), seed = 1000 + (20 * number);
        int words = Words(length - gap, random);
        double temperature = random.Next(4) switch { 0 => 0, 1 => 0.7, _ => 1 };
        string before = TextParts.Words(number, 0, words / 2) + " ", after = " " + TextParts.Words(number, (words / 2) + 2, words - (words / 2));
        string oneGap = TextParts.WithGaps(number, words, $"<mask:{gap}>"), threeGaps = TextParts.WithGaps(number, words, "<mask:2>", "<mask>", $"<mask:{1 + (gap / 2)}>");
        return (number % 14) switch
        {
            0 => new("completion with suffix", "/v1/completions", new { prompt = before, suffix = after, max_tokens = unknown, seed, temperature }),
            1 => new("stream with suffix", "/v1/completions", new { prompt = before, suffix = after, max_tokens = unknown, seed, temperature, stream = true }, AnswerForm.CompletionEvents),
            2 => new("continuation", "/v1/completions", new { prompt = before.Trim(), max_tokens = gap, seed, temperature, top_p = 0.95, logprobs = 2 }),
            3 => new("stream of continuations", "/v1/completions", new { prompt = before.Trim(), max_tokens = gap, seed, temperature, n = 2, stream = true }, AnswerForm.CompletionEvents),
            4 => new("completion with markup", "/v1/completions", new { prompt = threeGaps, seed, temperature, n = 2, best_of = 3 }),
            5 => new("stream with markup", "/v1/completions", new { prompt = threeGaps, seed, temperature, stream = true }, AnswerForm.CompletionEvents),
            6 => new("one gap", "/v1/infill", new { text = oneGap, seed, temperature, sampler = s_samplers[random.Next(s_samplers.Length)], draft_mode = random.Next(2) == 0 ? "latency" : "throughput" }),
            7 => new("several gaps", "/v1/infill", new { text = threeGaps, seed, temperature, sampler = s_samplers[random.Next(s_samplers.Length)], order = s_orders[random.Next(s_orders.Length)], scores = true }),
            8 => new("samples", "/v1/infill", new { text = oneGap, seed, temperature, samples = 2 + random.Next(3), top_k = 40, token_details = true }),
            9 => new("conditions", "/v1/infill", new { text = TextParts.WithGaps(number, words, "<mask:1-2>", "<mask:/[a-z]+/,1-2>", "<mask:\"old|new|big\">"), seed, temperature, particles = 16 }),
            10 => new("stream of forward passes", "/v1/infill", new { text = oneGap, seed, temperature, sampler = s_samplers[random.Next(4)], stream = true }, AnswerForm.Updates),
            11 => LinesOf(number, seed, random),
            12 when number % 28 < 14 => new("llama.cpp's infill", "/infill", new { input_prefix = before, input_suffix = after, n_predict = unknown, seed, temperature }),
            12 => new("llama.cpp's stream", "/infill", new { input_prefix = before, input_suffix = "", n_predict = gap, seed, temperature, stream = true }, AnswerForm.LlamaEvents),
            _ => new("score", "/v1/score", new { text = $"{before}[[{TextParts.Words(number, words / 2, 2)}]]{after} [[{TextParts.Words(number, words, 3)}]]", top = random.Next(4) }),
        };
    }

    /// <summary>Half of the given tokens at least, so that lengths are spread, with room for what gaps and separators take.</summary>
    private static int Words(int tokens, Random random)
    {
        int most = (int)((tokens - 12) / TextParts.TokensPerWord);
        return Math.Max(6, random.Next(most / 4, most + 1));
    }

    private static LoadRequest LinesOf(int number, int seed, Random random) => new("lines", "/v1/infill", string.Join('\n', Enumerable.Range(0, 2 + random.Next(4)).Select(i =>
        JsonSerializer.Serialize(new { text = TextParts.WithGaps(number + i, 10, "<mask:2>"), seed = seed + i }))), AnswerForm.Lines);
}
