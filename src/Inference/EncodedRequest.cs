namespace AsArm.Inference;

/// <summary>A parsed and tokenised text, of which several jobs may be made.</summary>
/// <param name="Text">Before its first window is filled; each job takes a copy.</param>
/// <param name="Warning">What is odd about its markup; null for nothing.</param>
internal sealed record EncodedRequest(WindowedText Text, string? Warning)
{
    /// <summary>A job that fills it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public InfillJob NewJob(InfillOptions options, InfillSetting setting, bool inBatch) => new(Text.Copy(), Warning, options, setting, inBatch);
}
