namespace AsArm.Assd.Ngrams;

/// <summary>The bytes are not an n-gram table, or a damaged one; the message says what is wrong.</summary>
public sealed class NgramTableException(string message) : AsArmException(message);
