using AsArm.Assd.Samplers;
using AsArm.Cli.Options;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Output;

/// <summary>Prints filled texts: the text on standard output, as markup if a gap stays open, with a line of figures on standard error, or JSON.</summary>
internal sealed class InfillWriter(string model, Device device, CommandStreams streams)
{
    public void WriteText(InfillOutcome outcome)
    {
        InfillResult result = outcome.ResultOrThrow();
        // Not through a console library: it would wrap long lines, and given text has to come back as it was.
        streams.OutputWriter.WriteLine(result.OpenPrompt?.ToString() ?? result.Text);
        SamplingStatistics counts = result.Statistics;
        string windows = result.Windows == 1 ? "" : $" of {Counts.Of(result.Windows, "window")}";
        streams.Error.WriteLine(
            $"{Counts.Of(counts.Generated, "token")} in {Counts.Of(counts.Nfe, "forward pass")}{windows} ({ChoiceNames.NameOf(outcome.Request.Options.Sampler)}), " +
            $"log probability {counts.LogProbability:F2}, seed {result.Seed}, {model}, {device}");
        foreach ((int index, InfilledGap gap) in result.Gaps.Index())
        {
            foreach (string line in LinesOf(gap, outcome.Request.Options.Entropies))
                streams.Error.WriteLine($"gap {index + 1}: {line}");
        }
    }

    private static IEnumerable<string> LinesOf(InfilledGap gap, bool withTokens)
    {
        if (GapFigures.Of(gap) is string figures)
            yield return $"{figures} ({GapJson.NameOf(gap.Accuracy)})";
        if (gap.Abstained)
            yield return $"left open, as {Quoted(gap.Filling)} has probability {gap.Probability:G2}";
        if (withTokens)
            yield return string.Join(", ", gap.Tokens.Select(token => $"{Quoted(token.Text)} {token.LogProbability:F2}{(token.Entropy is double entropy ? $" (entropy {entropy:F2})" : "")}"));
    }

    /// <summary>On one line, whatever it holds.</summary>
    private static string Quoted(string text) => $"\"{text.ReplaceLineEndings(" ")}\"";

    /// <summary>One object, of one text or of its samples.</summary>
    public void WriteJson(IReadOnlyList<InfillOutcome> outcomes, bool asSamples) => streams.Output.Write(ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        new OutcomeJson(model, device).Write(json, outcomes, asSamples);
        json.WriteEndObject();
    }).Span);
}
