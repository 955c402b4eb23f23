// The least that a program with ONNX Runtime can do: opens a session over a graph.
using Microsoft.ML.OnnxRuntime;

using var session = new InferenceSession(args[0]);
Console.WriteLine(session.InputMetadata.Count);
