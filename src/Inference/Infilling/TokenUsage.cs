namespace AsArm.Inference.Infilling;

/// <summary>Number of tokens of a request.</summary>
/// <param name="GivenTokens">Tokens of the given text that the model saw, the separator included; with windows, the sum over all.</param>
/// <param name="GeneratedTokens">Tokens in gaps.</param>
public sealed record TokenUsage(int GivenTokens, int GeneratedTokens)
{
    /// <summary>Number of all tokens.</summary>
    public int TotalTokens => GivenTokens + GeneratedTokens;
}
