using AsArm.Assd.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A filled gap.</summary>
/// <param name="Text">What stands in the text in its place: what it was filled with.</param>
/// <param name="Start">Where it begins in <see cref="InfillResult.Text" />, in UTF-16 code units.</param>
/// <param name="Tokens">Its tokens, from left to right.</param>
public sealed record InfilledGap(string Text, int Start, IReadOnlyList<TokenScore> Tokens)
{
    private readonly string? _filling; // where it is not the text

    /// <summary>
    /// Whether the filling was less probable than <see cref="InfillOptions.MinProbability" />: then <see cref="Text" /> is the <see cref="Markup" />, which stays
    /// in the text (see <see cref="InfillResult.OpenPrompt" />), and <see cref="Filling" /> and <see cref="Tokens" /> are what was sampled.
    /// </summary>
    public bool Abstained { get; init; }

    /// <summary>What was sampled for it: its text, unless it <see cref="Abstained" />.</summary>
    public string Filling { get => _filling ?? Text; init => _filling = value; }

    /// <summary>
    /// The probability of the filling: of one of several choices, that among them; else the product of those of the tokens, times that of the length if it was
    /// not given, or that of the end of an open gap.
    /// </summary>
    public double Probability => Choices.FirstOrDefault(choice => choice.Text == Filling)?.Probability
        ?? Math.Exp(LogProbability + (EndLogProbability ?? 0)) * (Lengths.FirstOrDefault(length => length.Tokens == Tokens.Count)?.Probability ?? 1);

    /// <summary>The markup of the gap, which stands for <see cref="Specification" />.</summary>
    public string Markup => (Specification ?? GapSpecification.Tokens(Tokens.Count)).ToString();

    /// <summary>What was known of it. Null for a gap of which only the number of tokens was given.</summary>
    public GapSpecification? Specification { get; init; }

    /// <summary>
    /// Whether the filling is a sample of the distribution that was asked for, or of an estimate of it, as with a length by evidence and with
    /// <see cref="SamplerKind.Parallel" />.
    /// </summary>
    public GapAccuracy Accuracy { get; init; }

    /// <summary>How the filling was found.</summary>
    public GapMethod Method { get; init; }

    /// <summary>
    /// Natural log-probability of the end of its text, given the text, of an open gap (<see cref="GapMethod.OpenGap" />), which is not part of
    /// <see cref="LogProbability" />; null for all others.
    /// </summary>
    public double? EndLogProbability { get; init; }

    /// <summary>The posterior of its length in tokens, by length; empty if the length was given, or the gap open.</summary>
    public IReadOnlyList<LengthProbability> Lengths { get; init; } = [];

    /// <summary>The choices with their probabilities, in their order; empty without a list of choices.</summary>
    public IReadOnlyList<ChoiceProbability> Choices { get; init; } = [];

    /// <summary>How many tries or weighted samples were made, and the effective sample size of the latter; null unless the gap, or one that was filled jointly with it, had to meet a condition.</summary>
    public ConditionalStatistics? Conditioning { get; init; }

    /// <summary>Where it ends in <see cref="InfillResult.Text" />: the index after its last UTF-16 code unit.</summary>
    public int End => Start + Text.Length;

    /// <summary>
    /// Natural log-probability of its tokens, each given the text and the tokens decoded before it; those of all gaps of a window add up to the joint one.
    /// </summary>
    public double LogProbability => Tokens.Sum(token => token.LogProbability);

    /// <summary>Returns the text.</summary>
    public override string ToString() => Text;
}
