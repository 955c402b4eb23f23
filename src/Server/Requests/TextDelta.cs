using System.Runtime.CompilerServices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Server.Requests;

/// <summary>A piece of a text that is filled from left to right.</summary>
/// <param name="Text">What follows the pieces before; never half a character.</param>
/// <param name="IsLast">Whether it is the last one.</param>
/// <param name="IsCut">Whether the text ends before a stop text.</param>
/// <param name="Update">What it comes from.</param>
internal sealed record TextDelta(string Text, bool IsLast, bool IsCut, InfillUpdate Update)
{
    /// <summary>
    /// The pieces of a text, as far as it will not change and is not the beginning of a stop text. When a stop text is found, what is not needed any more is cancelled.
    /// </summary>
    /// <param name="infiller">The model.</param>
    /// <param name="prompt">What is filled.</param>
    /// <param name="options">The options.</param>
    /// <param name="stop">The stop texts.</param>
    /// <param name="shown">The part of a text of an update that is answered.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    public static async IAsyncEnumerable<TextDelta> ReadAsync(
        TextInfiller infiller, InfillPrompt prompt, InfillOptions options, StopTexts stop, Func<InfillUpdate, string> shown, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int sent = 0;
        await foreach (InfillUpdate update in infiller.InfillStreamAsync(new InfillRequest(prompt, options), cancellationToken))
        {
            string text = shown(update);
            int? cut = stop.CutIn(text);
            int end = cut ?? Math.Max(sent, text.Length - (update.IsFinal ? 0 : Math.Max(0, stop.Longest - 1)));
            if (end > 0 && end < text.Length && char.IsLowSurrogate(text[end]))
                end--;
            bool isLast = update.IsFinal || cut is not null;
            if (end > sent || isLast)
                yield return new TextDelta(text[Math.Min(sent, end)..end], isLast, cut is not null, update);
            sent = Math.Max(sent, end);
            if (isLast)
                yield break;
        }
    }

    /// <summary>The text of the only gap behind a prefix, as far as it will not change.</summary>
    public static string GapOf(InfillUpdate update, int prefix) => update.Result is InfillResult result
        ? result.Gaps[0].Text
        : update.Text[Math.Min(prefix, update.StableLength)..update.StableLength];
}
