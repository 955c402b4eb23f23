namespace AsArm.Inference.Tokenization;

/// <summary>The text of a token.</summary>
/// <param name="Token">Its id.</param>
/// <param name="HasMark">Whether it begins with the space before a word, which is shown or is in the text before.</param>
/// <param name="IsWhiteSpace">Whether it is white space after which the space of the next word is not shown.</param>
/// <param name="Bytes">Its text in UTF-8 without that space. A token may have a part of a character only.</param>
internal readonly record struct TokenBytes(int Token, bool HasMark, bool IsWhiteSpace, byte[] Bytes);
