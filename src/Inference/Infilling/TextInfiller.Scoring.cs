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
    /// the character before a span is given: the probability of its first token is renormalised over the tokens that agree with it.
    /// </summary>
    /// <param name="text">Marked-up text: [[...]] marks a span; \[ is a plain [.</param>
    /// <param name="cancellationToken">Stops during the forward pass.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the vocabulary lacks.</exception>
    /// <exception cref="ModelOutputException">Logits are NaN or infinite.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime failed to run the graph.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public ScoreResult Score(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        TextLimits.RequireCharacters(text.Length);
        return Score(ScorePrompt.Parse(text), window: false, cancellationToken);
    }

    /// <summary>The exact log-probability of the spans of a prompt given the rest of the text, in one forward pass.</summary>
    /// <param name="prompt">A prompt with at least one span.</param>
    /// <param name="window">
    /// Whether a text that is longer than the model takes is cut: the model then sees all spans and as much text on both sides as fits. No effect on
    /// texts that fit.
    /// </param>
    /// <param name="cancellationToken">Stops during the forward pass.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the vocabulary lacks.</exception>
    /// <exception cref="ModelOutputException">Logits are NaN or infinite.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public ScoreResult Score(ScorePrompt prompt, bool window = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        InfillText.RequireTargets(prompt.Segments, spans: true, null);
        InfillText encoded = SpanWindow.Encode(prompt.Segments, Encoder(GapSpacing.AsTyped), window);
        double[] scores = [];
        var options = new SamplingOptions { BannedTokens = _setting.Banned, BannedTokensAt = encoded.BannedAt };
        _runner.RunExclusive(
            () => scores = JointDensity.LogProbabilities(_model, Order.LeftToRight(encoded.Given), encoded.Tokens, options, cancellationToken),
            cancellationToken);
        return encoded.Score(scores);
    }

    /// <summary>
    /// The log-probability of the generated tokens of a result under the joint distribution of the model and the options of the request, in one
    /// forward pass per window. For exact samplers it equals the one in the statistics; <see cref="SamplerKind.Parallel" /> deviates from it.
    /// </summary>
    /// <param name="result">A result of an infiller with this model.</param>
    /// <param name="cancellationToken">Stops during the forward pass.</param>
    /// <exception cref="ArgumentException">The result has no tokens, as it was not created by an infiller, or it is of another model.</exception>
    /// <exception cref="ModelOutputException">Logits are NaN or infinite.</exception>
    public double JointLogProbability(InfillResult result, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Sequences.Count == 0)
            throw new ArgumentException("The result has no tokens.", nameof(result));
        if (result.Sequences.Any(filled => filled.Model != Folder.Manifest.Identity))
            throw new ArgumentException("The result is of another model.", nameof(result));
        return result.Sequences.Sum(filled => LogProbabilities(filled, cancellationToken).Sum());
    }

    /// <summary>[TargetCount] Log-probabilities of the targets of a sequence by rank, in one forward pass.</summary>
    internal double[] LogProbabilities(FilledSequence filled, CancellationToken cancellationToken)
    {
        double[] logProbabilities = [];
        _runner.RunExclusive(() => logProbabilities = JointDensity.LogProbabilities(_model, filled.Order, filled.Tokens, filled.Distribution, cancellationToken), cancellationToken);
        return logProbabilities;
    }
}
