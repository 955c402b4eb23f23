using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Options of a request to score spans.</summary>
public sealed record ScoreOptions
{
    /// <summary>
    /// Whether a text that is longer than the model takes is cut: the model then sees all spans and as much text on both sides as fits. No effect on
    /// texts that fit.
    /// </summary>
    public bool Window { get; init; }

    /// <summary>The maximum of <see cref="TopTokens" />.</summary>
    public const int MaxTopTokens = 100;

    /// <summary>The number of most probable tokens that are returned for each scored token (<see cref="TokenScore.TopTokens" />), from 0 to <see cref="MaxTopTokens" />.</summary>
    public int TopTokens { get; init; }

    /// <summary>
    /// Whether pseudo-log-likelihoods are computed too, for comparison with models that have no joint distribution: each token given all others, those after it
    /// included. It takes a sequence of the whole text for each token.
    /// </summary>
    public bool PseudoLogLikelihood { get; init; }

    /// <summary>Whether the tokens have the entropies of their distributions (<see cref="TokenScore.Entropy" />), which takes no forward pass.</summary>
    public bool Entropies { get; init; }

    /// <summary>The time that the request may take, from its submission; positive. Null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }
}
