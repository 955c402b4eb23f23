using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>Log-probabilities of spans and of results.</content>
public sealed partial class TextInfiller
{
    /// <summary>
    /// The exact log-probability of the marked spans given the rest of the text, in one forward pass. As in <see cref="GapSpacing.AsTyped" />
    /// the character before a span is given: its first token is scored among those that agree with it.
    /// </summary>
    /// <param name="text">[[...]] marks a span; \[ is a plain [.</param>
    /// <param name="cancellationToken">Stops within the forward pass.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the model does not know.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime could not run the graph.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public ScoreResult Score(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        TextLimits.RequireCharacters(text.Length);
        return Score(ScorePrompt.Parse(text), window: false, cancellationToken);
    }

    /// <summary>The exact log-probability of the spans of a prompt given the rest of the text, in one forward pass.</summary>
    /// <param name="prompt">With one span at least.</param>
    /// <param name="window">
    /// Of a text that is longer than the model takes, the model sees all spans and as much text on both sides as it takes. A text that the
    /// model takes is scored as without it.
    /// </param>
    /// <param name="cancellationToken">Stops within the forward pass.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the model does not know.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public ScoreResult Score(ScorePrompt prompt, bool window = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        InfillText.RequireTargets(prompt.Segments, spans: true, null);
        InfillText encoded = SpanWindow.Encode(prompt.Segments, Encoder(GapSpacing.AsTyped), window);
        double[] scores = [];
        var options = new SamplingOptions { BannedTokens = _setting.Banned, BannedTokensAt = encoded.BannedAt };
        _runner.InTurn(
            () => scores = JointDensity.LogProbabilities(_model, Order.LeftToRight(encoded.Given), encoded.Tokens, options, cancellationToken),
            cancellationToken);
        return encoded.Score(scores);
    }

    /// <summary>
    /// The log-probability of a result's generated tokens under the model's joint distribution with the options it was filled with, in one model
    /// call. For an exact sampler it is the one in the statistics; for <see cref="SamplerKind.Parallel" /> it is what that departs from.
    /// </summary>
    /// <param name="result">From an infiller with this model.</param>
    /// <param name="cancellationToken">Stops within the forward pass.</param>
    /// <exception cref="ArgumentException">A result that was made by hand, or by another model.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    public double JointLogProbability(InfillResult result, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Sequences.Count == 0)
            throw new ArgumentException("The result holds no tokens.", nameof(result));
        if (result.Sequences.Any(filled => filled.Model != Folder.Manifest.Identity))
            throw new ArgumentException("The result is of another model.", nameof(result));
        return result.Sequences.Sum(filled => LogProbabilities(filled, cancellationToken).Sum());
    }

    /// <summary>[TargetCount] the log-probabilities of a sequence's targets by rank, in one forward pass.</summary>
    internal double[] LogProbabilities(FilledSequence filled, CancellationToken cancellationToken)
    {
        double[] logs = [];
        _runner.InTurn(() => logs = JointDensity.LogProbabilities(_model, filled.Order, filled.Tokens, filled.Distribution, cancellationToken), cancellationToken);
        return logs;
    }
}
