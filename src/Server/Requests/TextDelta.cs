using System.Diagnostics;
using System.Runtime.CompilerServices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Requests;

/// <summary>A piece of a text that is filled from left to right.</summary>
/// <param name="Text">What follows the pieces before; never half a character.</param>
/// <param name="IsLast">Whether it is the last one.</param>
/// <param name="IsCut">Whether the text ends before a stop text.</param>
/// <param name="Update">What it comes from.</param>
internal sealed record TextDelta(string Text, bool IsLast, bool IsCut, InfillUpdate Update)
{
    /// <summary>With the last piece: the tokens generated, up to a stop text.</summary>
    public int GeneratedTokens { get; private init; }

    /// <summary>
    /// The pieces of a text, as far as it will not change and is not the beginning of a stop text. When a stop text is found, what is not needed any more is cancelled.
    /// </summary>
    /// <param name="infiller">The model.</param>
    /// <param name="prompt">What is filled.</param>
    /// <param name="options">The options.</param>
    /// <param name="stop">The stop texts, of a prompt with one gap.</param>
    /// <param name="shown">The part of a text of an update that is answered.</param>
    /// <param name="measurement">Counts the tokens.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    public static async IAsyncEnumerable<TextDelta> ReadAsync(
        TextInfiller infiller, InfillPrompt prompt, InfillOptions options, StopTexts stop, Func<InfillUpdate, string> shown, RequestMeasurement measurement, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pieces = new TextPieces(stop);
        var tokens = new List<CommittedToken>();
        await foreach (InfillUpdate update in infiller.InfillStreamAsync(new InfillRequest(prompt, options), cancellationToken))
        {
            tokens.AddRange(update.Committed);
            measurement.AddTokens(update.Committed.Count, Stopwatch.GetTimestamp());
            string piece = pieces.Next(shown(update), update.IsFinal);
            bool isLast = update.IsFinal || pieces.Cut is not null;
            if (piece.Length > 0 || isLast)
            {
                IEnumerable<TokenScore> generated = update.Result?.Gaps[0].Tokens ?? tokens.OrderBy(token => token.Index).Select(token => token.Token);
                int count = pieces.Cut is int cut ? StopTexts.TokensBefore(generated, cut) : update.Statistics.Generated;
                yield return new TextDelta(piece, isLast, pieces.Cut is not null, update) { GeneratedTokens = count };
            }

            if (isLast)
                yield break;
        }
    }

    /// <summary>The text of the only gap behind a prefix, as far as it will not change.</summary>
    public static string GapOf(InfillUpdate update, int prefix) => update.Result is InfillResult result
        ? result.Gaps[0].Text
        : update.Text[Math.Min(prefix, update.StableLength)..update.StableLength];
}
