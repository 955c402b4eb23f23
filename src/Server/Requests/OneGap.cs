using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Requests;

/// <summary>A request of an editor: one gap between a prefix and a suffix, or at the end of a text.</summary>
/// <param name="infiller">The model.</param>
/// <param name="prefix">The text before the gap.</param>
/// <param name="suffix">The text after it; empty for a continuation.</param>
/// <param name="tokens">Tokens of the gap, at most; 0 for nothing.</param>
/// <param name="options">The options.</param>
/// <param name="stop">The stop texts.</param>
/// <param name="measurement">Counts the tokens.</param>
internal sealed class OneGap(TextInfiller infiller, string prefix, string suffix, int tokens, InfillOptions options, StopTexts stop, RequestMeasurement measurement)
{
    private readonly InfillPrompt? _prompt = tokens == 0 ? null : GapPrompt.Of(prefix, suffix, tokens);

    /// <summary>What is filled; null for nothing.</summary>
    public InfillPrompt? Prompt => _prompt;

    /// <summary>"word" if it ended before a stop text, "limit" if it has as many tokens as were asked for, "eos" if the model chose the length.</summary>
    public string Reason { get; private set; } = "limit";

    /// <summary>Tokens of the text around the gap.</summary>
    public int GivenTokens { get; private set; }

    /// <summary>Tokens generated.</summary>
    public int GeneratedTokens { get; private set; }

    /// <summary>The result; null where nothing was generated, or the rest of it was not needed.</summary>
    public InfillResult? Result { get; private set; }

    /// <summary>The pieces of the filling.</summary>
    public async IAsyncEnumerable<string> StreamAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        GivenTokens = PromptLimits.GivenTokens(infiller, _prompt ?? new InfillPrompt().AddText(prefix + suffix));
        if (_prompt is null)
            yield break;
        InfillOptions spaced = options with { GapSpacing = GapPrompt.SpacingAfter(prefix) };
        await foreach (TextDelta delta in TextDelta.ReadAsync(infiller, _prompt, spaced, stop, update => TextDelta.GapOf(update, prefix.Length), measurement, cancellationToken))
        {
            if (delta.IsLast)
            {
                Result = delta.Update.Result;
                (GivenTokens, GeneratedTokens) = (Result?.Usage.GivenTokens ?? GivenTokens, delta.GeneratedTokens);
                Reason = delta.IsCut ? "word" : suffix.Length == 0 ? "limit" : "eos";
            }

            yield return delta.Text;
        }
    }

    /// <summary>The whole filling.</summary>
    public async Task<string> FillAsync(CancellationToken cancellationToken)
    {
        var text = new System.Text.StringBuilder();
        await foreach (string piece in StreamAsync(cancellationToken))
            text.Append(piece);
        return text.ToString();
    }
}
