using AsArm.Cli.Options;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Lines;

/// <summary>What is asked of a text to score.</summary>
/// <param name="Detail">What is listed.</param>
/// <param name="Whole">Whether the whole text is scored, in which nothing is markup.</param>
/// <param name="Window">Whether a text that is too long is cut.</param>
/// <param name="Pseudo">Whether pseudo-log-likelihoods are computed too.</param>
internal sealed record ScoreQuery(ScoreDetail Detail, bool Whole, bool Window, bool Pseudo)
{
    /// <summary>The options of the library.</summary>
    public ScoreOptions Options => new() { Window = Window, PseudoLogLikelihood = Pseudo, Entropies = Detail == ScoreDetail.Token };

    /// <summary>A text with its spans.</summary>
    /// <exception cref="InfillTextException">The markup is not valid, or the text is empty.</exception>
    public ScorePrompt PromptOf(string text) => !Whole ? ScorePrompt.Parse(text)
        : text.Length > 0 ? new ScorePrompt().AddSpan(text)
        : throw new InfillTextException("The text is empty.");
}
