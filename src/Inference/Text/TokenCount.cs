namespace AsArm.Inference.Text;

/// <summary>The number of tokens of a text with its gaps, and the maximum length of the model.</summary>
/// <param name="Given">Number of given tokens, including those of marked spans.</param>
/// <param name="Gaps">Number of tokens in gaps.</param>
/// <param name="Separator">1 where the separator is put before a text that begins with a gap or a marked span, else 0.</param>
/// <param name="Maximum">The maximum length of a sequence.</param>
public sealed record TokenCount(long Given, long Gaps, int Separator, int Maximum)
{
    /// <summary>Number of all tokens.</summary>
    public long Total => Given + Gaps + Separator;

    /// <summary>Whether the text fits without windows.</summary>
    public bool Fits => Total <= Maximum;
}
